// A planar two-legged walker as walker_gps.xml names it: where its joints and motors are, how it
// stands. What is seen follows from qpos and qvel alone, not from what MuJoCo last derived of them.
#ifndef TND_BIPED_H
#define TND_BIPED_H

#include <tendril/sim.h>

enum { TND_RIGHT, TND_LEFT };           // legs
enum { TND_HIP, TND_KNEE, TND_ANKLE };  // joints of a leg

// A hinge about y; positions are (x, z) in the frame of the body above it.
typedef struct tnd_hinge {
  int qpos, dof;
  double zero;   // qpos at which its body is not turned
  double at[2];  // m
} tnd_hinge;

typedef struct tnd_biped {
  int x, x_dof;  // the slides' places in qpos and qvel
  int z;
  double origin[2];  // of the torso where both slides are 0
  tnd_hinge pitch;
  struct tnd_biped_leg {
    tnd_hinge joint[3];
    int motor[3];
    double gear[3];     // torque of a control of 1
    double sole[2][2];  // ends of the foot's capsule, in the foot's frame
    double radius;      // of the capsule
  } leg[2];
} tnd_biped;

// The robot at a moment; rad and m, positive as in walker_gps.xml.
typedef struct tnd_biped_sight {
  double pitch, pitch_rate;
  double thigh[2], thigh_rate[2];  // of each leg, forward of the vertical
  double angle[2][3], rate[2][3];  // of each leg's joints
  double hip[2], hip_speed[2];     // x of each leg's hip, m, and its velocity along x, m/s
  double ankle[2];                 // x of each ankle, m
} tnd_biped_sight;

// E_ARGUMENT, in one line, for any other model.
TENDRIL_MUST_CHECK tendril_status tnd_biped_find(const tendril_model *model, tnd_biped *out,
                                                 tendril_error *err);
void tnd_biped_see(const tnd_biped *biped, const mjData *data, tnd_biped_sight *out);
// Whether a leg's foot touches the model's ground: an end of its capsule reaches below the ground's
// height there.
bool tnd_biped_touches(const tnd_biped *biped, const mjModel *model, const mjData *data, int leg);

#endif
