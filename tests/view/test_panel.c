// The panels by synthetic events, drawn off the screen: what is clicked is what happens, and it is
// seen in the pixels.
#include "support/sim.h"
#include "view/offscreen.h"
#include "view/panel.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 800, HEIGHT = 600 };

typedef struct fixture {
  tendril_model *model;
  tendril_controller *controller;
  tnd_player *player;
  tnd_scene *scene;
  tnd_viewer *viewer;
  tnd_offscreen *offscreen;
  tnd_panels *panels;
  mjuiState state;
} fixture;

static void begin(fixture *f) {
  tendril_error err = {{0}};
  *f = (fixture){.model = support_model("hopper-v4", NULL)};
  cr_assert_eq(tendril_controller_create(tendril_agent_zero(), f->model, &f->controller, NULL),
               TENDRIL_OK);
  const tnd_player_setup setup = {.model = f->model, .controller = f->controller, .seed = 1};
  cr_assert_eq(tnd_player_create(&setup, &f->player, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_scene_create(f->model, TND_QUALITY_FAST, &f->scene, NULL), TENDRIL_OK);
  f->viewer = malloc(sizeof *f->viewer);
  tnd_viewer_init(f->viewer, f->scene, f->player);
  f->viewer->left = 1;
  tnd_player_get_settings(f->player)->running = 0;
  cr_assert_eq(tnd_panels_create(f->viewer, &f->panels, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_offscreen_create(&f->scene->look, WIDTH, HEIGHT, 100, &f->offscreen, &err),
               TENDRIL_OK, "%s", err.text);
  tnd_panels_layout(f->panels, WIDTH, HEIGHT, &f->state, tnd_offscreen_mjr(f->offscreen));
}

static void end(fixture *f) {
  tnd_panels_destroy(f->panels);
  tnd_offscreen_destroy(f->offscreen);
  free(f->viewer);
  tnd_scene_destroy(f->scene);
  tnd_player_destroy(f->player);
  tendril_controller_destroy(f->controller);
  tendril_model_destroy(f->model);
}

// Press and release at a place of the window, from its lower left corner.
static bool click(fixture *f, double x, double y) {
  mjuiState *s = &f->state;
  s->x = x;
  s->y = y;
  s->mouserect = mjr_findRect((int)x, (int)y, s->nrect - 1, s->rect + 1) + 1;
  s->button = mjBUTTON_LEFT;
  s->left = 1;
  s->type = mjEVENT_PRESS;
  s->dragrect = s->mouserect;
  const bool taken = tnd_panels_event(f->panels, s, tnd_offscreen_mjr(f->offscreen));
  s->left = 0;
  s->type = mjEVENT_RELEASE;
  tnd_panels_event(f->panels, s, tnd_offscreen_mjr(f->offscreen));
  s->dragrect = 0;
  return taken;
}

static int shown(const fixture *f) {
  tnd_player_view view;
  tnd_player_see(f->player, &view);
  return view.t;
}

static unsigned char *look(fixture *f) {
  unsigned char *rgb = malloc((size_t)WIDTH * HEIGHT * 3);
  cr_assert_eq(tnd_viewer_update(f->viewer, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_offscreen_render(f->offscreen, &f->scene->mjv, NULL), TENDRIL_OK);
  tnd_panels_render(f->panels, &f->state, tnd_offscreen_mjr(f->offscreen));
  cr_assert_eq(tnd_offscreen_read(f->offscreen, rgb, NULL), TENDRIL_OK);
  return rgb;
}

// Clicks down through the column at x until the time that is shown is `t`.
static bool clicks_until(fixture *f, double x, int t) {
  for (double y = HEIGHT - 5; y > 0 && shown(f) != t; y -= 12)
    click(f, x, y);
  return shown(f) == t;
}

Test(panel, buttons_command_the_player_and_the_picture_shows_it) {
  fixture f;
  begin(&f);
  cr_assert_gt(f.state.rect[TND_RECT_LEFT].width, 100);
  cr_assert_eq(f.state.rect[TND_RECT_RIGHT].width, 0);
  cr_assert_eq(f.state.rect[TND_RECT_PICTURE].left, f.state.rect[TND_RECT_LEFT].width);
  unsigned char *before = look(&f);
  // "Step" is the right one of a pair
  cr_assert(clicks_until(&f, 0.75 * f.state.rect[TND_RECT_LEFT].width, 1));
  unsigned char *after = look(&f);
  cr_assert(memcmp(before, after, (size_t)WIDTH * HEIGHT * 3) != 0);
  cr_assert_not(click(&f, WIDTH - 50, HEIGHT / 2.0), "the picture is no panel");
  free(before);
  free(after);
  end(&f);
}

Test(panel, the_picture_keeps_a_part_of_a_narrow_window) {
  fixture f;
  begin(&f);
  f.viewer->right = 1;
  for (int width = 100; width <= 1300; width += 100) {
    tnd_panels_layout(f.panels, width, 300, &f.state, tnd_offscreen_mjr(f.offscreen));
    const mjrRect *r = f.state.rect;
    cr_assert_geq(r[TND_RECT_PICTURE].width, width / 4);
    cr_assert_eq(r[TND_RECT_LEFT].width + r[TND_RECT_PICTURE].width + r[TND_RECT_RIGHT].width,
                 width);
  }
  cr_assert_gt(f.state.rect[TND_RECT_RIGHT].width, 0);
  end(&f);
}
