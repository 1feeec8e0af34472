/** @file tendril.h Everything; the parts are small enough to be included one by one. */
#ifndef TENDRIL_TENDRIL_H
#define TENDRIL_TENDRIL_H

#include <tendril/base.h>
#include <tendril/cmaes.h>
#include <tendril/control.h>
#include <tendril/critic.h>
#include <tendril/eval.h>
#include <tendril/gait.h>
#include <tendril/learn.h>
#include <tendril/optimize.h>
#include <tendril/options.h>
#include <tendril/policy.h>
#include <tendril/random.h>
#include <tendril/rollout.h>
#include <tendril/run.h>
#include <tendril/sim.h>
#include <tendril/simbicon.h>
#include <tendril/tasks.h>
#include <tendril/terrain.h>
#include <tendril/trajopt.h>
#include <tendril/wave.h>

#endif
