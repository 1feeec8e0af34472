// Curves beside the picture are the numbers of the trace, up to the time that is shown.
#include "support/sim.h"
#include "view/plots.h"

#include <criterion/criterion.h>
#include <string.h>

Test(plots, show_the_last_two_seconds_of_the_trace) {
  tendril_model *model = support_model("swimmer-v4", NULL);
  tendril_controller *controller = NULL;
  tnd_trace *trace = NULL;
  tnd_plots *plots = NULL;
  cr_assert_eq(tendril_controller_create(tendril_agent_random(), model, &controller, NULL),
               TENDRIL_OK);
  cr_assert_eq(tnd_trace_create(model, 1000, &trace, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_trace_play(trace, controller, 1, 0, NULL, 0, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_plots_create(model, &plots, NULL), TENDRIL_OK);

  // steps of 40 ms: 50 of them, those from 150 to 199
  tnd_player_view view = {.trace = trace, .t = 200};
  tnd_plots_update(plots, &view);
  const mjvFigure *reward = tnd_plots_figure(plots, 0), *action = tnd_plots_figure(plots, 1),
                  *joint = tnd_plots_figure(plots, 2);
  cr_assert_str_eq(reward->linename[0], tendril_model_task(model)->terms[0]);
  cr_assert_eq(reward->linepnt[0], 50);
  cr_assert_eq(reward->linepnt[1], 50);
  cr_assert_eq(reward->linepnt[2], 0, "two terms");
  cr_assert_eq(action->linepnt[1], 50);
  for (int i = 0; i < 50; i++) {
    const tendril_step *step = tnd_trace_step(trace, 150 + i);
    cr_assert_eq(reward->linedata[0][2 * i + 1], (float)step->terms[0]);
    cr_assert_eq(action->linedata[1][2 * i + 1], (float)tnd_trace_action(trace, 150 + i)[1]);
    cr_assert_float_eq(reward->linedata[0][2 * i], (float)(0.04 * (151 + i)), 1e-5);
  }
  // three hinges; the last point is the state that is shown
  tendril_env *env = support_env(model, 1, NULL);
  tendril_env_restore(env, tnd_trace_snapshot(trace, 200), NULL);
  cr_assert_eq(joint->linepnt[2], 50);
  cr_assert_eq(joint->linepnt[3], 0);
  for (int k = 0; k < 3; k++)
    cr_assert_eq(joint->linedata[k][2 * 49 + 1], (float)tendril_env_data(env)->qpos[2 + k]);

  // at the start there is nothing yet
  view.t = 0;
  tnd_plots_update(plots, &view);
  cr_assert_eq(reward->linepnt[0], 0);
  tendril_env_destroy(env);
  tnd_plots_destroy(plots);
  tnd_trace_destroy(trace);
  tendril_controller_destroy(controller);
  tendril_model_destroy(model);
}
