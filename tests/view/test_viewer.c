// Keys and mouse of the viewer by synthetic events: no window, no OpenGL.
#include "support/close.h"
#include "support/sim.h"
#include "support/view.h"
#include "view/viewer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct fixture {
  tendril_model *model;
  const mjModel *m;
  tendril_controller *controller;
  tnd_player *player;
  tnd_viewer viewer;
  tnd_scene *scene;
} fixture;

static void draw(fixture *f) {
  tendril_error err = {{0}};
  cr_assert_eq(tnd_viewer_update(&f->viewer, &err), TENDRIL_OK, "%s", err.text);
}

static void begin_with(fixture *f, tendril_model *model) {
  *f = (fixture){.model = model};
  f->m = tendril_model_mujoco(f->model);
  cr_assert_eq(tendril_controller_create(tendril_agent_zero(), f->model, &f->controller, NULL),
               TENDRIL_OK);
  const tnd_player_setup setup = {.model = f->model, .controller = f->controller, .seed = 1};
  cr_assert_eq(tnd_player_create(&setup, &f->player, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_scene_create(f->model, TND_QUALITY_FAST, &f->scene, NULL), TENDRIL_OK);
  tnd_viewer_init(&f->viewer, f->scene, f->player);
  draw(f);
}

static void begin(fixture *f, const char *task) {
  begin_with(f, support_model(task, NULL));
}

static void end(fixture *f) {
  tnd_scene_destroy(f->scene);
  tnd_player_destroy(f->player);
  tendril_controller_destroy(f->controller);
  tendril_model_destroy(f->model);
}

static int shown(const fixture *f) {
  tnd_player_view view;
  tnd_player_see(f->player, &view);
  return view.t;
}

static bool press(fixture *f, int key, int modifier) {
  return tnd_viewer_key(&f->viewer, key, modifier);
}

Test(viewer, keys_of_simulate_do_what_they_do_there) {
  fixture f;
  begin(&f, "hopper-v4");
  tnd_player_settings *s = tnd_player_get_settings(f.player);
  cr_assert(press(&f, ' ', 0));
  cr_assert_eq(s->running, 0);
  cr_assert(press(&f, mjKEY_RIGHT, 0));
  cr_assert_eq(shown(&f), 1);
  cr_assert(press(&f, mjKEY_LEFT, 0));
  cr_assert_eq(shown(&f), 0);
  cr_assert(press(&f, '-', 0));
  cr_assert_eq(s->speed, 0.5);
  cr_assert(press(&f, '=', 0));
  cr_assert_eq(s->speed, 1);
  cr_assert(press(&f, 'C', 0));
  cr_assert_eq(f.scene->option.flags[mjVIS_CONTACTPOINT], 1);
  cr_assert(press(&f, 'F', 0));
  cr_assert_eq(f.scene->option.flags[mjVIS_CONTACTFORCE], 1);
  const mjtByte shadow = f.scene->mjv.flags[mjRND_SHADOW];
  cr_assert(press(&f, 'S', 0));
  cr_assert_neq(f.scene->mjv.flags[mjRND_SHADOW], shadow);
  cr_assert(press(&f, '1', 0));
  cr_assert_eq(f.scene->option.geomgroup[1], 0);
  cr_assert(press(&f, '1', TND_SHIFT));
  cr_assert_eq(f.scene->option.sitegroup[1], 0);
  cr_assert(press(&f, mjKEY_TAB, 0));
  cr_assert_eq(f.viewer.left, 1);
  cr_assert(press(&f, mjKEY_TAB, TND_SHIFT));
  cr_assert_eq(f.viewer.right, 1);
  cr_assert(press(&f, mjKEY_F1, 0));
  cr_assert_eq(f.viewer.help, 1);
  cr_assert(press(&f, 'P', TND_CONTROL));
  cr_assert(press(&f, 'Q', TND_CONTROL));
  cr_assert_eq(f.viewer.wishes, TND_WISH_SCREENSHOT | TND_WISH_QUIT);
  cr_assert_not(press(&f, 'P', TND_CONTROL | TND_ALT));
  cr_assert_not(press(&f, 7, 0));
  end(&f);
}

Test(viewer, keys_push_and_change_the_episode) {
  fixture f;
  begin(&f, "hopper-v4");
  tendril_force forces[TENDRIL_MAX_FORCES];
  cr_assert(press(&f, mjKEY_ENTER, 0));
  cr_assert_eq(tnd_player_pushes(f.player, forces), 1);
  cr_assert(press(&f, mjKEY_BACKSPACE, 0));
  cr_assert_eq(tnd_player_pushes(f.player, forces), 0);
  cr_assert(press(&f, mjKEY_DOWN, 0));
  tnd_player_view view;
  tnd_player_see(f.player, &view);
  cr_assert_eq(view.episode, 1);
  end(&f);
}

static int lines(const char *text) {
  int n = 1;
  for (; *text; text++)
    n += *text == '\n';
  return n;
}

Test(viewer, every_key_of_the_help_is_told_with_its_meaning) {
  const char *keys, *meanings;
  tnd_viewer_help(TND_HELP_PLAY, &keys, &meanings);
  cr_assert_eq(lines(keys), lines(meanings));
  cr_assert(strstr(keys, "Space") && strstr(meanings, "pause") && strstr(keys, "Ctrl left drag"));
  tnd_viewer_help(TND_HELP_SEE, &keys, &meanings);
  cr_assert_eq(lines(keys), lines(meanings));
  cr_assert(strstr(keys, "F1") && strstr(meanings, "quit") && strstr(keys, "as in") == NULL);
  // 600 pixels have room for 25
  cr_assert_leq(lines(keys), 25);
}

Test(viewer, camera_follows_the_robot_until_it_is_freed) {
  fixture f;
  begin(&f, "hopper-v4");
  for (int i = 0; i < 60; i++)
    press(&f, mjKEY_RIGHT, 0);
  draw(&f);
  // sums of what it moved by: rounding
  cr_assert_float_eq(f.scene->camera.lookat[0], tnd_player_data(f.player)->subtree_com[3], 1e-12);
  cr_assert(press(&f, mjKEY_ESCAPE, 0));
  const double x = f.scene->camera.lookat[0];
  press(&f, mjKEY_BACKSPACE, 0);
  draw(&f);
  cr_assert_eq(f.scene->camera.lookat[0], x, "where it was left");
  // the model's own camera, and round again
  const int ncam = (int)f.m->ncam;
  for (int i = 0; i < ncam; i++) {
    cr_assert(press(&f, ']', 0));
    draw(&f);
    cr_assert_eq(f.scene->camera.type, mjCAMERA_FIXED);
    cr_assert_eq(f.scene->camera.fixedcamid, i);
  }
  press(&f, ']', 0);
  cr_assert_eq(f.viewer.which_camera, TND_CAMERA_TRACKING);
  press(&f, '[', 0);
  cr_assert_eq(f.viewer.which_camera, TND_CAMERA_FIXED + ncam - 1);
  end(&f);
}

Test(viewer, camera_that_tracks_again_has_the_robot_in_the_middle) {
  fixture f;
  begin(&f, "hopper-v4");
  press(&f, mjKEY_ESCAPE, 0);
  draw(&f);
  for (int i = 0; i < 60; i++)
    press(&f, mjKEY_RIGHT, 0);
  draw(&f);
  const double *center = tnd_player_data(f.player)->subtree_com + 3;
  cr_assert_neq(f.scene->camera.lookat[0], center[0]);
  press(&f, '[', 0);
  cr_assert_eq(f.viewer.which_camera, TND_CAMERA_TRACKING);
  draw(&f);
  for (int k = 0; k < 3; k++)
    cr_assert_eq(f.scene->camera.lookat[k], tnd_player_data(f.player)->subtree_com[3 + k]);
  end(&f);
}

Test(viewer, ctrl_a_brings_back_the_first_view) {
  fixture f;
  begin(&f, "hopper-v4");
  const mjvCamera before = f.scene->camera;
  tnd_mouse mouse = {.button = mjBUTTON_LEFT, .dx = 0.3, .dy = 0.2, .aspect = 4.0 / 3};
  tnd_viewer_move(&f.viewer, &mouse);
  tnd_viewer_scroll(&f.viewer, &mouse);
  press(&f, mjKEY_ESCAPE, 0);
  mouse.button = mjBUTTON_RIGHT;
  tnd_viewer_move(&f.viewer, &mouse);
  draw(&f);
  cr_assert_neq(f.scene->camera.distance, before.distance);
  cr_assert(press(&f, 'A', TND_CONTROL));
  draw(&f);
  cr_assert_eq(f.viewer.which_camera, TND_CAMERA_TRACKING);
  cr_assert_eq(f.scene->camera.azimuth, before.azimuth);
  cr_assert_eq(f.scene->camera.elevation, before.elevation);
  cr_assert_eq(f.scene->camera.distance, before.distance);
  cr_assert_eq(f.scene->camera.lookat[0], before.lookat[0]);
  end(&f);
}

Test(viewer, path_is_that_of_the_episode_that_is_shown) {
  fixture f;
  begin(&f, "hopper-v4");
  for (int i = 0; i < 30; i++)
    press(&f, mjKEY_RIGHT, 0);
  draw(&f);
  // the next episode is some steps on before it is drawn
  press(&f, mjKEY_DOWN, 0);
  for (int i = 0; i < 10; i++)
    press(&f, mjKEY_RIGHT, 0);
  draw(&f);
  cr_assert_eq(f.viewer.npath, 11);
  for (int i = 0; i < f.viewer.npath; i++) {
    const mjData *d = tnd_player_data_at(f.player, f.viewer.path_times[i]);
    cr_assert_eq(f.viewer.path_points[i][2], d->xipos[3 * f.scene->root + 2], "%d", i);
  }
  end(&f);
}

// Where a point of the world is in the picture, shares of width and height from the lower left.
static void project(const fixture *f, const double point[3], double aspect, double *x, double *y) {
  const mjvGLCamera c = mjv_averageCamera(&f->scene->mjv.camera[0], &f->scene->mjv.camera[1]);
  double forward[3], up[3], side[3], to[3];
  for (int i = 0; i < 3; i++) {
    forward[i] = (double)c.forward[i];
    up[i] = (double)c.up[i];
    to[i] = point[i] - (double)c.pos[i];
  }
  mju_cross(side, forward, up);
  const double depth = mju_dot3(to, forward), near = (double)c.frustum_near;
  const double bottom = (double)c.frustum_bottom, height = (double)c.frustum_top - bottom;
  *y = (mju_dot3(to, up) / depth * near - bottom) / height;
  *x = 0.5 + mju_dot3(to, side) / depth * near / (height * aspect);
}

static tnd_mouse mouse_at(double x, double y, int button) {
  return (tnd_mouse){.button = button, .x = x, .y = y, .aspect = 4.0 / 3};
}

Test(viewer, double_click_selects_the_body_under_it) {
  fixture f;
  begin(&f, "hopper-v4");
  const int thigh = mj_name2id(f.m, mjOBJ_BODY, "thigh");
  cr_assert_gt(thigh, 0);
  const mjData *d = tnd_player_data(f.player);
  double x, y;
  project(&f, d->xipos + (ptrdiff_t)3 * thigh, 4.0 / 3, &x, &y);
  tnd_mouse mouse = mouse_at(x, y, mjBUTTON_LEFT);
  tnd_viewer_press(&f.viewer, &mouse);
  cr_assert_eq(f.viewer.perturb.select, 0, "a single click does not");
  mouse.twice = true;
  tnd_viewer_press(&f.viewer, &mouse);
  cr_assert_eq(f.viewer.perturb.select, thigh);
  cr_assert_eq(tnd_player_get_settings(f.player)->body, thigh);
  cr_assert(press(&f, mjKEY_PAGE_UP, 0));
  cr_assert_eq(f.viewer.perturb.select, f.m->body_parentid[thigh]);
  // the sky
  mouse.y = 0.99;
  tnd_viewer_press(&f.viewer, &mouse);
  cr_assert_eq(f.viewer.perturb.select, 0);
  end(&f);
}

Test(viewer, ctrl_drag_pulls_the_selected_body) {
  fixture f, g;
  begin(&f, "hopper-v4");
  begin(&g, "hopper-v4");
  f.viewer.perturb.select = 1;
  tnd_mouse mouse = mouse_at(0.5, 0.5, mjBUTTON_RIGHT);
  mouse.control = true;
  tnd_viewer_press(&f.viewer, &mouse);
  cr_assert_eq(f.viewer.perturb.active, mjPERT_TRANSLATE);
  mouse.dx = 0.02;
  tnd_viewer_move(&f.viewer, &mouse);
  const double lookat = f.scene->camera.lookat[0];
  for (int i = 0; i < 10; i++) {
    tnd_viewer_advance(&f.viewer, 0.008);
    tnd_viewer_advance(&g.viewer, 0.008);
  }
  // right in the picture is +x
  cr_assert_gt(tnd_player_data(f.player)->qvel[0], tnd_player_data(g.player)->qvel[0] + 0.01);
  cr_assert_eq(f.scene->camera.lookat[0], lookat, "the camera stays");
  tnd_viewer_release(&f.viewer);
  tnd_viewer_advance(&f.viewer, 0.02);
  cr_assert_eq(tnd_player_data(f.player)->xfrc_applied[6], 0);
  end(&f);
  end(&g);
}

static int newest(const fixture *f) {
  tnd_player_view view;
  tnd_player_see(f->player, &view);
  return tnd_trace_last(view.trace);
}

// The past of a paused episode, and a drag of that body begun in it.
static void drag_in_the_past(fixture *f, int body) {
  press(f, ' ', 0);
  for (int i = 0; i < 8; i++)
    press(f, i < 5 ? mjKEY_RIGHT : mjKEY_LEFT, 0);
  draw(f);
  cr_assert_eq(shown(f), 2);
  f->viewer.perturb.select = body;
  tnd_mouse mouse = mouse_at(0.5, 0.5, mjBUTTON_RIGHT);
  mouse.control = true;
  tnd_viewer_press(&f->viewer, &mouse);
  tnd_viewer_advance(&f->viewer, 0.02);
  cr_assert_eq(newest(f), 5, "a press alone moves nothing");
  mouse.dx = 0.1;
  tnd_viewer_move(&f->viewer, &mouse);
  tnd_viewer_advance(&f->viewer, 0.02);
}

Test(viewer, drag_while_paused_pulls_in_the_next_step) {
  fixture f;
  begin(&f, "hopper-v4");
  drag_in_the_past(&f, 1);
  cr_assert_eq(newest(&f), 5, "nothing is lost");
  press(&f, mjKEY_RIGHT, 0);
  cr_assert_eq(shown(&f), 3);
  cr_assert_eq(newest(&f), 3, "a step under it makes another future");
  tnd_viewer_release(&f.viewer);
  end(&f);
}

Test(viewer, drag_while_paused_moves_a_free_body_at_once) {
  static const char *const bodies[] = {"trunk", "shin"};
  for (int i = 0; i < 2; i++) {
    fixture f;
    begin_with(&f, support_toy_model("bare.xml"));
    const int body = mj_name2id(f.m, mjOBJ_BODY, bodies[i]);
    drag_in_the_past(&f, body);
    cr_assert_eq(shown(&f), 2);
    cr_assert_eq(newest(&f), 2, "another future");
    // it is where it is held, the robot with it, no faster than before
    double held[3], at[3], before[3], knee[2];
    mju_copy3(held, f.viewer.perturb.refpos);
    mjData *d = tnd_player_data(f.player);
    mju_copy3(at, d->xipos + (ptrdiff_t)3 * body);
    check_all_close(at, held, 3, 1e-12);
    const double speed = d->qvel[2];
    knee[0] = d->qpos[7];
    d = tnd_player_data_at(f.player, 1);
    mju_copy3(before, d->xipos + (ptrdiff_t)3 * body);
    cr_assert_gt(mju_dist3(before, at), 0.05);
    cr_assert_float_eq(speed - d->qvel[2], -9.81 * 0.005, 0.02);
    knee[1] = d->qpos[7];
    cr_assert_float_eq(knee[0], knee[1], 0.02);
    // from there on
    tnd_viewer_release(&f.viewer);
    press(&f, mjKEY_RIGHT, 0);
    d = tnd_player_data(f.player);
    cr_assert_lt(mju_dist3(d->xipos + (ptrdiff_t)3 * body, at), 0.02);
    end(&f);
  }
}

Test(viewer, mouse_turns_moves_and_zooms_the_camera) {
  fixture f;
  begin(&f, "hopper-v4");
  const mjvCamera before = f.scene->camera;
  tnd_mouse mouse = mouse_at(0.5, 0.5, mjBUTTON_LEFT);
  mouse.dx = 0.1;
  tnd_viewer_press(&f.viewer, &mouse);
  tnd_viewer_move(&f.viewer, &mouse);
  cr_assert_neq(f.scene->camera.azimuth, before.azimuth);
  cr_assert_eq(f.viewer.which_camera, TND_CAMERA_TRACKING, "turning goes on tracking");
  mouse.dx = 0;
  mouse.dy = 1;
  tnd_viewer_scroll(&f.viewer, &mouse);
  cr_assert_gt(f.scene->camera.distance, before.distance, "up is farther, as in simulate");
  mouse.button = mjBUTTON_RIGHT;
  mouse.dx = 0.1;
  for (int i = 0; i < 2; i++, mouse.shift = true) {
    tnd_viewer_move(&f.viewer, &mouse);
    cr_assert_eq(f.viewer.which_camera, TND_CAMERA_TRACKING, "it isn't moved while it tracks");
    cr_assert_arr_eq(f.scene->camera.lookat, before.lookat, sizeof before.lookat);
  }
  press(&f, mjKEY_ESCAPE, 0);
  tnd_viewer_move(&f.viewer, &mouse);
  cr_assert_neq(f.scene->camera.lookat[0], before.lookat[0]);
  end(&f);
}
