// Two mjUIs. The left one has the player, the push and what is drawn; the right one the state as it
// is in the picture: a joint's first coordinate and an actuator's control, a row each.
#include "view/panel.h"

#include "base/alloc.h"
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { LEFT, RIGHT, NPANEL };
enum { MOST_ROWS = mjMAXUIITEM - 1 };

struct tnd_panels {
  tnd_viewer *viewer;
  mjUI *ui[NPANEL];
  int njnt, nu;       // rows of the right panel
  double *positions;  // [njnt]
  double *controls;   // [nu]
  tnd_arena arena;
};

static const struct {
  const char *name;
  tnd_command command;
} buttons[] = {
    {"Step back", TND_BACK},
    {"Step", TND_STEP},
    {"Restart", TND_RESTART},
    {"Next episode", TND_NEXT_EPISODE},
    {"Earlier policy", TND_LAST_CHECKPOINT},
    {"Later policy", TND_NEXT_CHECKPOINT},
    {"Push now", TND_PUSH},
};
enum { NBUTTON = sizeof buttons / sizeof buttons[0] };

// ------------------------------------------------------------------------------------ contents

static void add(mjUI *ui, int type, const char *name, void *data, const char *other) {
  mjuiDef definition[2] = {{.type = type, .state = 1, .pdata = data}, {.type = mjITEM_END}};
  snprintf(definition[0].name, sizeof definition[0].name, "%s", name);
  snprintf(definition[0].other, sizeof definition[0].other, "%s", other);
  mjui_add(ui, definition);
}

static void add_open_section(mjUI *ui, const char *name) {
  add(ui, mjITEM_SECTION, name, NULL, "");
  ui->sect[ui->nsect - 1].state = 1;
}

static void add_button(mjUI *ui, tnd_command command) {
  for (int i = 0; i < NBUTTON; i++)
    if (buttons[i].command == command) add(ui, mjITEM_BUTTON, buttons[i].name, NULL, "");
}

// Entries of a selection, a line each, as many as one holds: the first ones, since what is selected
// is known by its place. Names that are too long are cut.
typedef struct entries {
  char text[mjMAXUITEXT];
  size_t used;
  int n;
  bool full;
} entries;

static void add_entry(entries *e, const char *name) {
  const size_t room = sizeof e->text - e->used;
  const size_t length = strlen(name) < mjMAXUINAME ? strlen(name) : mjMAXUINAME - 1;
  e->full |= e->n == mjMAXUIMULTI || length + 2 > room;
  if (e->full) return;
  e->used +=
      (size_t)snprintf(e->text + e->used, room, "%s%.*s", e->n++ ? "\n" : "", (int)length, name);
}

static entries body_entries(const mjModel *m) {
  entries e = {.n = 0};
  add_entry(&e, "first body");
  for (int i = 1; i < (int)m->nbody; i++) {
    const char *name = mj_id2name(m, mjOBJ_BODY, i);
    char number[32];
    snprintf(number, sizeof number, "body %d", i);
    add_entry(&e, name ? name : number);
  }
  return e;
}

static entries camera_entries(const mjModel *m) {
  entries e = {.n = 0};
  add_entry(&e, "tracking");
  add_entry(&e, "free");
  for (int i = 0; i < (int)m->ncam; i++) {
    const char *name = mj_id2name(m, mjOBJ_CAMERA, i);
    char number[32];
    snprintf(number, sizeof number, "camera %d", i);
    add_entry(&e, name ? name : number);
  }
  return e;
}

static void fill_left(tnd_panels *p) {
  mjUI *ui = p->ui[LEFT];
  tnd_viewer *v = p->viewer;
  tnd_player_settings *s = tnd_player_get_settings(v->player);
  const mjModel *m = tendril_model_mujoco(v->model);
  const entries bodies = body_entries(m), cameras = camera_entries(m);

  add_open_section(ui, "Play");
  add(ui, mjITEM_RADIO, "", &s->running, "Pause\nRun");
  add(ui, mjITEM_SLIDERNUM, "Speed", &s->speed, "0.0625 4");
  add(ui, mjITEM_CHECKINT, "Next by itself", &s->go_on, "");
  for (int i = 0; i < NBUTTON; i++)
    if (buttons[i].command != TND_PUSH) add_button(ui, buttons[i].command);

  add_open_section(ui, "Push");
  add(ui, mjITEM_SLIDERNUM, "Newtons", &s->newtons, "0 500");
  add(ui, mjITEM_SLIDERNUM, "Seconds", &s->seconds, "0.01 1");
  add(ui, mjITEM_SELECT, "Direction", &s->direction, TND_PLAYER_DIRECTIONS);
  add(ui, mjITEM_SELECT, "Body", &s->body, bodies.text);
  add_button(ui, TND_PUSH);

  add_open_section(ui, "View");
  add(ui, mjITEM_SELECT, "Camera", &v->which_camera, cameras.text);
  add(ui, mjITEM_CHECKBYTE, "Contacts", &v->scene->option.flags[mjVIS_CONTACTPOINT], "");
  add(ui, mjITEM_CHECKBYTE, "Forces", &v->scene->option.flags[mjVIS_CONTACTFORCE], "");
  add(ui, mjITEM_CHECKBYTE, "Joints", &v->scene->option.flags[mjVIS_JOINT], "");
  add(ui, mjITEM_CHECKBYTE, "Transparent", &v->scene->option.flags[mjVIS_TRANSPARENT], "");
  add(ui, mjITEM_CHECKINT, "Path", &v->path, "");
  add(ui, mjITEM_CHECKINT, "Plots", &v->plots, "");
  add(ui, mjITEM_CHECKINT, "Information", &v->info, "");
}

// A slider that tells a value and can't be moved; range NULL: from -most to most.
static void add_reading(mjUI *ui, const mjModel *m, int type, int i, const double *range,
                        double most, double *value) {
  const char *name = mj_id2name(m, type, i);
  char number[32], text[64];
  snprintf(number, sizeof number, "%d", i);
  snprintf(text, sizeof text, "%g %g", range ? range[0] : -most, range ? range[1] : most);
  add(ui, mjITEM_SLIDERNUM, name ? name : number, value, text);
  mjuiSection *section = &ui->sect[ui->nsect - 1];
  section->item[section->nitem - 1].state = 0;
}

static void fill_right(tnd_panels *p) {
  mjUI *ui = p->ui[RIGHT];
  const mjModel *m = tendril_model_mujoco(p->viewer->model);
  add_open_section(ui, "Joints");
  for (int i = 0; i < p->njnt; i++)
    add_reading(ui, m, mjOBJ_JOINT, i, m->jnt_limited[i] ? m->jnt_range + (ptrdiff_t)2 * i : NULL,
                10, &p->positions[i]);
  add_open_section(ui, "Actions");
  for (int i = 0; i < p->nu; i++)
    add_reading(ui, m, mjOBJ_ACTUATOR, i,
                m->actuator_ctrllimited[i] ? m->actuator_ctrlrange + (ptrdiff_t)2 * i : NULL, 1,
                &p->controls[i]);
}

// The right panel tells and takes nothing: its values are the picture's.
static void read_state(tnd_panels *p) {
  const mjModel *m = tendril_model_mujoco(p->viewer->model);
  const mjData *d = tnd_player_data(p->viewer->player);
  for (int i = 0; i < p->njnt; i++)
    p->positions[i] = d->qpos[m->jnt_qposadr[i]];
  for (int i = 0; i < p->nu; i++)
    p->controls[i] = d->ctrl[i];
}

// ------------------------------------------------------------------------------------ in the
// window

void tnd_panels_layout(tnd_panels *p, int width, int height, mjuiState *state,
                       mjrContext *context) {
  const int shown[NPANEL] = {p->viewer->left, p->viewer->right};
  int widths[NPANEL];
  for (int i = 0; i < NPANEL; i++) {
    mjUI *ui = p->ui[i];
    mjui_resize(ui, context);
    mjr_addAux(ui->auxid, ui->width, ui->maxheight, ui->spacing.samples, context);
    widths[i] = shown[i] ? ui->width : 0;
  }
  // a picture is always left
  if (widths[LEFT] + widths[RIGHT] > width * 3 / 4) widths[RIGHT] = 0;
  if (widths[LEFT] > width * 3 / 4) widths[LEFT] = 0;
  state->nrect = TND_NRECT;
  state->rect[TND_RECT_WINDOW] = (mjrRect){0, 0, width, height};
  state->rect[TND_RECT_LEFT] = (mjrRect){0, 0, widths[LEFT], height};
  state->rect[TND_RECT_RIGHT] = (mjrRect){width - widths[RIGHT], 0, widths[RIGHT], height};
  state->rect[TND_RECT_PICTURE] =
      (mjrRect){widths[LEFT], 0, width - widths[LEFT] - widths[RIGHT], height};
  read_state(p);
  for (int i = 0; i < NPANEL; i++)
    mjui_update(-1, -1, p->ui[i], state, context);
}

bool tnd_panels_event(tnd_panels *p, mjuiState *state, const mjrContext *context) {
  for (int i = 0; i < NPANEL; i++) {
    const int rect = p->ui[i]->rectid;
    const bool here = state->dragrect == rect || (state->dragrect == 0 && state->mouserect == rect);
    if (!here || state->type == mjEVENT_KEY || state->rect[rect].width == 0) continue;
    const mjuiItem *item = mjui_event(p->ui[i], state, context);
    for (int b = 0; item && item->type == mjITEM_BUTTON && b < NBUTTON; b++)
      if (strcmp(item->name, buttons[b].name) == 0)
        tnd_player_do(p->viewer->player, buttons[b].command);
    return true;
  }
  return false;
}

void tnd_panels_render(tnd_panels *p, mjuiState *state, const mjrContext *context) {
  read_state(p);
  for (int i = 0; i < NPANEL; i++) {
    if (state->rect[p->ui[i]->rectid].width == 0) continue;
    mjui_update(-1, -1, p->ui[i], state, context);
    mjui_render(p->ui[i], state, context);
  }
}

// ------------------------------------------------------------------------------------ life

static void layout(tnd_panels *p, tnd_arena *arena) {
  p->positions = tnd_arena_doubles(arena, (size_t)p->njnt);
  p->controls = tnd_arena_doubles(arena, (size_t)p->nu);
  for (int i = 0; i < NPANEL; i++)
    p->ui[i] = tnd_arena_take(arena, 1, sizeof *p->ui[i]);
}

tendril_status tnd_panels_create(tnd_viewer *viewer, tnd_panels **out, tendril_error *err) {
  const mjModel *m = tendril_model_mujoco(viewer->model);
  tnd_panels *p = tnd_alloc(sizeof *p);
  if (!p) return tnd_fail_memory(err);
  p->viewer = viewer;
  p->njnt = (int)m->njnt < MOST_ROWS ? (int)m->njnt : MOST_ROWS;
  p->nu = (int)m->nu < MOST_ROWS ? (int)m->nu : MOST_ROWS;
  layout(p, &p->arena);
  tendril_status status = tnd_arena_alloc(&p->arena, err);
  if (status != TENDRIL_OK) {
    tnd_panels_destroy(p);
    return status;
  }
  layout(p, &p->arena);
  for (int i = 0; i < NPANEL; i++) {
    mjUI *ui = p->ui[i];
    ui->spacing = mjui_themeSpacing(1);
    ui->spacing.samples = 0;  // a software renderer takes its time over them
    ui->color = mjui_themeColor(0);
    ui->rectid = i == LEFT ? TND_RECT_LEFT : TND_RECT_RIGHT;
    ui->auxid = i;
  }
  fill_left(p);
  fill_right(p);
  *out = p;
  return TENDRIL_OK;
}

void tnd_panels_destroy(tnd_panels *panels) {
  if (!panels) return;
  tnd_arena_free(&panels->arena);
  tnd_free(panels);
}
