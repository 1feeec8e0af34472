// The period is where the autocorrelation of all joints together,
//   r(k) = sum_t x_t . x_(t+k) / sqrt(sum_t |x_t|^2 sum_t |x_(t+k)|^2),
// has its first peak of about full height: joints of one leg repeat themselves with the stride, not
// with the step. The phase is that of one joint's Fourier coefficient at the period, which bouncing
// feet and the shape of the motion hardly move.
#include "eval/gait.h"

#include <math.h>

static const double two_pi = 6.283185307179586;

#define LEAST_STRENGTH 0.5  // less is no rhythm
#define FULL_HEIGHT 0.9     // share of the highest peak that makes an earlier peak the period
#define STILL 1e-6          // rad; joints that move less make no gait

static double correlation(const double *x, int T, int n, int k) {
  double both = 0, first = 0, second = 0;
  for (int t = 0; t + k < T; t++) {
    const double *a = x + (long)t * n, *b = x + ((long)t + k) * n;
    for (int i = 0; i < n; i++) {
      both += a[i] * b[i];
      first += a[i] * a[i];
      second += b[i] * b[i];
    }
  }
  const double scale = sqrt(first * second);
  return scale > 0 ? both / scale : 0;
}

// Takes the means away; the joint with the largest variance, *sd its deviation.
static int centre(double *x, int T, int n, double *sd) {
  int most = 0;
  *sd = 0;
  for (int i = 0; i < n; i++) {
    double mean = 0, squares = 0;
    for (int t = 0; t < T; t++)
      mean += x[(long)t * n + i] / T;
    for (int t = 0; t < T; t++) {
      double *at = &x[(long)t * n + i];
      *at -= mean;
      squares += *at * *at;
    }
    if (sqrt(squares / T) > *sd) {
      *sd = sqrt(squares / T);
      most = i;
    }
  }
  return most;
}

// The lag of the peak nearest to k, between the states: of the parabola through three of them.
static double refine(const double *x, int T, int n, int k) {
  const double a = correlation(x, T, n, k - 1), b = correlation(x, T, n, k),
               c = correlation(x, T, n, k + 1);
  const double curve = a - 2 * b + c;
  return curve < 0 ? k + fmax(-0.5, fmin(0.5, 0.5 * (a - c) / curve)) : k;
}

void tnd_gait_find(double *joints, int T, int n, double dt, tnd_gait *out) {
  *out = (tnd_gait){0};
  double sd;
  const int last = T / 2;
  out->joint = centre(joints, T, n, &sd);
  if (sd < STILL) return;

  // beyond the shoulder of lag 0: from the first lag on that is not alike
  int from = 1;
  while (from < last && correlation(joints, T, n, from) > LEAST_STRENGTH)
    from++;
  double highest = 0;
  for (int k = from; k <= last; k++)
    highest = fmax(highest, correlation(joints, T, n, k));
  if (highest < LEAST_STRENGTH) return;

  // up to the first height, then to the top
  int k = from;
  while (correlation(joints, T, n, k) < FULL_HEIGHT * highest)
    k++;
  while (k < last && correlation(joints, T, n, k + 1) > correlation(joints, T, n, k))
    k++;
  if (k >= last) return;  // still rising where the states end
  out->strength = correlation(joints, T, n, k);
  out->period = refine(joints, T, n, k) * dt;
}

double tnd_gait_phase(const double *joints, int T, int n, int joint, double dt, double period) {
  // over whole periods
  const int whole = (int)floor(T * dt / period);
  const int N = whole > 0 ? (int)lround(whole * period / dt) : T;
  double re = 0, im = 0;
  for (int t = 0; t < N && t < T; t++) {
    const double angle = two_pi * t * dt / period, x = joints[(long)t * n + joint];
    re += x * cos(angle);
    im += x * sin(angle);
  }
  // x ~ re cos + im sin peaks at angle atan2(im, re)
  const double at = atan2(im, re) / two_pi * period;
  return at < 0 ? at + period : at;
}
