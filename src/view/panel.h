// The panels left and right of the picture, on MuJoCo's own toolkit (mjUI): buttons and sliders
// over the viewer's fields, which they edit in place; what is a command they hand to the player.
#ifndef TND_PANEL_H
#define TND_PANEL_H

#include "view/viewer.h"

typedef struct tnd_panels tnd_panels;

// Places of the window, as mjuiState counts them.
enum { TND_RECT_WINDOW, TND_RECT_LEFT, TND_RECT_RIGHT, TND_RECT_PICTURE, TND_NRECT };

// viewer: borrowed, and its player, for the panels' life.
TENDRIL_MUST_CHECK tendril_status tnd_panels_create(tnd_viewer *viewer, tnd_panels **out,
                                                    tendril_error *err);
void tnd_panels_destroy(tnd_panels *panels);

// Cuts a window of that size (pixels) into state->rect, and draws the panels' contents anew: after
// the context was made, the window's size changed or a panel was shown or hidden.
void tnd_panels_layout(tnd_panels *panels, int width, int height, mjuiState *state,
                       mjrContext *context);
// Takes an event that is meant for a panel; false if it is none of theirs.
bool tnd_panels_event(tnd_panels *panels, mjuiState *state, const mjrContext *context);
// Brings values up to date that the player or a key changed, and draws into the current buffer.
void tnd_panels_render(tnd_panels *panels, mjuiState *state, const mjrContext *context);

#endif
