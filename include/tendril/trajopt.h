/**
 * @file trajopt.h
 * Trajectory optimisation with the simulator as its model: iLQG over a whole episode, and over a
 * receding horizon as a controller (MPC). A task needs a cost (tendril_task.residuals).
 */
#ifndef TENDRIL_TRAJOPT_H
#define TENDRIL_TRAJOPT_H

#include <tendril/control.h>
#include <tendril/options.h>
#include <tendril/sim.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tnd_pushes;

/**
 * A trajectory and the feedback about it, u = u_t + K_t (x - x_t). x = (qpos, qvel), of nx numbers;
 * the difference of two states has n = 2 nv (that of qpos as mj_differentiatePos() takes it).
 */
typedef struct tendril_trajectory {
  int T, nx, n, nu;
  double *x;            // [T + 1][nx]
  double *u;            // [T][nu]
  double *K;            // [T][nu][n]
  double cost;          // sum over l_t, the final state's among them
  const double *reset;  // [nx] state after the reset of the episode in which x_0 was met; NULL: x_0
  int ground;           // of the model's, that it is on
  const struct tnd_pushes *pushes;  // that it was made under; NULL: none
} tendril_trajectory;

// clang-format off
#define TENDRIL_ILQG_OPTIONS(X)                                                                    \
  X(integer, iterations, 200,   1,   1000000, "",  "iterations at most")                           \
  X(real,    tolerance,  1e-7,  0,   1,       "",  "it has converged when an iteration lowers the cost by less than this share of it") \
  X(real,    hold_qpos,  0.1,   0,   1e6,     "",  "weight w_q of a proximal term: 2 w_q is added to the Hessian of the cost in every position but horizontal translations, about the trajectory so far") \
  X(real,    hold_qvel,  0.001, 0,   1e6,     "",  "the same of every velocity")                   \
  X(real,    damping,    1,     0,   1e12,    "",  "rho at the start: rho I is added to the Hessian in the controls; halved after steps of half their length or more, doubled after short ones; 0: never") \
  X(real,    effort,     0,     0,   1e12,    "",  "w_e at the start: w_e |u|^2 is added to the cost of every step, falls by four powers of ten over effort_iterations and is gone then; motions that need little are found before those that need the limits") \
  X(integer, effort_iterations, 200, 1, 1000000, "", "iterations with it") \
  X(real,    decrease,   1e-4,  0,   0.5,     "",  "a step is taken if the cost falls by this share of what the model expects") \
  X(integer, halvings,   10,    0,   40,      "",  "how often the line search halves a step")      \
  X(real,    mu_max,     1e6,   1e-6, 1e12,   "",  "largest state regularisation; beyond it there is no improvement")
// clang-format on

typedef struct tendril_ilqg_options {
  TENDRIL_ILQG_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_ilqg_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_ilqg_defaults(tendril_ilqg_options *options);

/** One iteration. */
typedef struct tendril_ilqg_stats {
  double cost;      // after it
  double expected;  // decrease that the model expects of a full step
  double alpha;     // share of the step that was taken; 0: none
  double mu, rho;   // state and control regularisation it was made under
  int bad;          // trial trajectories that left MuJoCo's bounds, and were rejected for it
  bool converged;   // nothing more is to be gained
  // CPU seconds; of the backward pass, which runs while derivatives are made, its thread's wall
  // time
  double derivative_cpu, backward_cpu, search_cpu;
} tendril_ilqg_stats;

/** iLQG (Tassa, Erez, Todorov 2012; Tassa, Mansard, Todorov 2014). */
typedef struct tendril_ilqg tendril_ilqg;

/**
 * @param model    borrowed; its task has a cost, its actuators' ranges bound the controls
 * @param T        horizon in control steps
 * @param options  copied; NULL for the defaults
 * @param pool     borrowed; derivatives and trial steps run in parallel, results don't depend on it
 * @return E_CONFIG for a task without a cost or a horizon below 1
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_ilqg_create(const tendril_model *model, int T, const tendril_ilqg_options *options,
                    tendril_pool *pool, tendril_ilqg **out, tendril_error *err);
TENDRIL_API void tendril_ilqg_destroy(tendril_ilqg *ilqg);

/**
 * Which of the model's grounds it is on from the next start on, as tendril_env_set_ground(); the
 * first unless this is called.
 * @return E_ARGUMENT if the model has no such ground
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_ilqg_set_ground(tendril_ilqg *ilqg,
                                                                      int ground,
                                                                      tendril_error *err);
/**
 * Where to start from.
 * @param x0  [nx] borrowed
 * @param u   [T][nu] clipped into the actuators' range; NULL: zeros
 * @return E_PHYSICS, naming the step, if the simulation doesn't survive these controls; E_NUMERIC
 * if one isn't finite. There is no trajectory then, and its cost is infinite
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_ilqg_start(tendril_ilqg *ilqg,
                                                                 const double *x0, const double *u,
                                                                 tendril_error *err);
/**
 * One iteration: derivatives, backward pass, line search. The trajectory is the best so far, the
 * effort's share in the cost included for as long as it has one.
 * @return E_PHYSICS, naming the step, if there are no derivatives along it
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_ilqg_iterate(tendril_ilqg *ilqg,
                                                                   tendril_ilqg_stats *stats,
                                                                   tendril_error *err);
/** Feedback about the trajectory as it is now; without it K is that of the iteration before. */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_ilqg_close(tendril_ilqg *ilqg,
                                                                 tendril_error *err);
/** Valid until the next call that changes it; owned by ilqg. */
TENDRIL_API const tendril_trajectory *tendril_ilqg_get(const tendril_ilqg *ilqg);

// ----------------------------------------------------------------------------------------- MPC

// clang-format off
#define TENDRIL_MPC_OPTIONS(X)                                                                     \
  X(integer, horizon,    80,  1, 10000, "steps", "control steps that are planned ahead")           \
  X(integer, iterations, 2,   1, 1000,  "",      "iterations of iLQG at every control step")       \
  X(real,    end_weight, 300, 0, 1e9,  "",       "how often the cost of the plan's last state counts: what comes after the plan") \
  X(integer, warm_up,    50,  0, 10000, "",      "iterations of the first plan, before an episode begins") \
  X(real,    hold_qpos,  0.03, 0, 1e6, "",       "as iLQG's; its damping is 0: plans are never far from the last one") \
  X(real,    hold_qvel,  0.001, 0, 1e6, "",      "as iLQG's")
// clang-format on

typedef struct tendril_mpc_options {
  TENDRIL_MPC_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_mpc_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_mpc_defaults(tendril_mpc_options *options);

/**
 * A receding horizon: at every control step the plan is moved on by one, followed from where the
 * robot is now, improved, and its first control is applied. What pushes the robot is no part of the
 * plan: it is felt by what it did.
 */
typedef struct tendril_mpc tendril_mpc;

/**
 * @param options  copied; NULL for the defaults
 * @param pool     borrowed, as is the model
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_mpc_create(const tendril_model *model,
                                                                 const tendril_mpc_options *options,
                                                                 tendril_pool *pool,
                                                                 tendril_mpc **out,
                                                                 tendril_error *err);
TENDRIL_API void tendril_mpc_destroy(tendril_mpc *mpc);

/** Which of the model's grounds it plans on; another one than before makes the next plan new. */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_mpc_set_ground(tendril_mpc *mpc, int ground,
                                                                     tendril_error *err);

/** Forgets the plan: the next call makes one anew. */
TENDRIL_API void tendril_mpc_reset(tendril_mpc *mpc);
/**
 * The control for step t of an episode in state x. A step that isn't the one after the last call's
 * begins a new plan.
 * @param x  [nx] borrowed
 * @param u  [nu] filled
 * @return E_PHYSICS if no plan survives from x; u is then zeros
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_mpc_act(tendril_mpc *mpc, int t,
                                                              const double *x, double *u,
                                                              tendril_error *err);
/**
 * A first plan for step t: what these controls do from x, made better.
 * @param x  [nx] borrowed
 * @param u  [horizon][nu] borrowed, clipped into the actuators' range; NULL: zeros
 * @return E_PHYSICS if the simulation doesn't survive them; there is no plan then
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_mpc_begin(tendril_mpc *mpc, int t,
                                                                const double *x, const double *u,
                                                                tendril_error *err);
/** The plan that the last control came from. */
TENDRIL_API const tendril_trajectory *tendril_mpc_get(const tendril_mpc *mpc);

// -------------------------------------------------------------------------------------- agents

/**
 * An agent that plans on, "mpc". It sees the full state and the ground it is on; where no plan
 * survives it does nothing.
 * @param options  copied; NULL for the defaults
 * @param first    whose actions a first plan starts from, when an episode begins and after a step
 *                 that no plan survived; borrowed for the agent's life; NULL: zeros
 * @param threads  of each of its controllers; 0: all processors, for one that runs alone
 * @param out      owned by the caller, tendril_agent_destroy()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status
tendril_agent_mpc_create(const tendril_mpc_options *options, const tendril_agent *first,
                         int threads, tendril_agent **out, tendril_error *err);

/**
 * An agent that follows a trajectory from its first step on, u = u_t + K_t (x - x_t), "feedback",
 * or plays its controls whatever happens, u = u_t, "open-loop". After the trajectory's end it does
 * nothing. Where x_0 was met in the course of an episode, its episodes start there, off by what
 * their reset is off from the trajectory's.
 * @param trajectory  borrowed for the agent's life
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_agent_trajectory_create(
    const tendril_trajectory *trajectory, bool feedback, tendril_agent **out, tendril_error *err);

#ifdef __cplusplus
}
#endif

#endif
