// Curves beside the picture: the reward's terms, the actions and the joints over the last seconds.
#ifndef TND_PLOTS_H
#define TND_PLOTS_H

#include "view/player.h"

enum { TND_NPLOT = 3 };

typedef struct tnd_plots tnd_plots;

TENDRIL_MUST_CHECK tendril_status tnd_plots_create(const tendril_model *model, tnd_plots **out,
                                                   tendril_error *err);
void tnd_plots_destroy(tnd_plots *plots);
// The curves up to the time that is shown.
void tnd_plots_update(tnd_plots *plots, const tnd_player_view *view);
const mjvFigure *tnd_plots_figure(const tnd_plots *plots, int which);  // 0 .. TND_NPLOT - 1

#endif
