/**
 * @file control.h
 * Who acts in an environment: an agent says who, a controller does it in one thread. Evaluations,
 * recordings and the player take any agent.
 */
#ifndef TENDRIL_CONTROL_H
#define TENDRIL_CONTROL_H

#include <tendril/policy.h>
#include <tendril/sim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Who acts; read-only and shared by all threads. */
typedef struct tendril_agent tendril_agent;

/**
 * A policy's mean actions, or actions sampled from it.
 * @param policy  borrowed for the agent's life; its parameters may change between two steps
 * @param out     owned by the caller, tendril_agent_destroy()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_agent_create(const tendril_policy *policy,
                                                                   bool sampled,
                                                                   tendril_agent **out,
                                                                   tendril_error *err);
TENDRIL_API void tendril_agent_destroy(tendril_agent *agent);

/** Nobody acts: all actions are 0. Constant; not to be destroyed. */
TENDRIL_API const tendril_agent *tendril_agent_zero(void);
/** Uniform over the actuators' ranges, standard normal where they are infinite. Constant. */
TENDRIL_API const tendril_agent *tendril_agent_random(void);

/** "mean", "sampled", "zero", "random", ... */
TENDRIL_API const char *tendril_agent_name(const tendril_agent *agent);
/** Whether it acts on the environment's full state, so that noise on observations is nothing to it.
 */
TENDRIL_API bool tendril_agent_sees_state(const tendril_agent *agent);

/** An agent at work: scratch and the memory of one episode. One thread at a time. */
typedef struct tendril_controller tendril_controller;

/**
 * @param agent  borrowed for the controller's life
 * @param model  of the environments that it will act in, borrowed for the controller's life
 * @return E_ARGUMENT if the agent is not one for the model's task
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_controller_create(const tendril_agent *agent,
                                                                        const tendril_model *model,
                                                                        tendril_controller **out,
                                                                        tendril_error *err);
TENDRIL_API void tendril_controller_destroy(tendril_controller *controller);

/**
 * Starts an episode: resets the environment and the controller's memory. Start state and noise are
 * functions of (seed, series, episode) alone.
 * @param series  0 for what `tendril eval` plays
 * @param obs     [nobs] filled
 * @return E_PHYSICS as tendril_env_reset()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_controller_reset(tendril_controller *controller, uint64_t seed, uint32_t series,
                         uint32_t episode, tendril_env *env, double *obs, tendril_error *err);

/**
 * The action for control step t of the episode.
 * @param env     whose state it may look at; unchanged
 * @param obs     [nobs] borrowed
 * @param action  [nact] filled
 * A function of t, the state, obs and the controller's memory. Agents of this header have no memory
 * and can't fail.
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_controller_act(tendril_controller *controller,
                                                                     const tendril_env *env, int t,
                                                                     const double *obs,
                                                                     double *action,
                                                                     tendril_error *err);

/**
 * The memory, to go on from an earlier step of the episode (with tendril_env_restore()) or in
 * another controller of the same agent and model, which takes over the episode's noise, too.
 */
TENDRIL_API int tendril_controller_size(const tendril_controller *controller);
/** @param memory [tendril_controller_size()] filled */
TENDRIL_API void tendril_controller_save(const tendril_controller *controller, double *memory);
/** @param memory [tendril_controller_size()] borrowed */
TENDRIL_API void tendril_controller_restore(tendril_controller *controller, const double *memory);

#ifdef __cplusplus
}
#endif

#endif
