// Philox streams over Random123 (Salmon et al., SC 2011). The key is the run's seed; the counter is
// (block, purpose, a, b), so two streams never meet.
#include <tendril/random.h>

#include <Random123/philox.h>
#include <math.h>

#define WORDS 4  // 32-bit words in a block

static philox4x32_ctr_t block_of(const tendril_random *r, uint32_t index) {
  philox4x32_ctr_t counter = {{index, r->purpose, r->a, r->b}};
  philox4x32_key_t key = {{(uint32_t)r->seed, (uint32_t)(r->seed >> 32)}};
  return philox4x32(counter, key);
}

tendril_random tendril_random_stream(uint64_t seed, tendril_purpose purpose, uint32_t a,
                                     uint32_t b) {
  return (tendril_random){.seed = seed, .purpose = (uint32_t)purpose, .a = a, .b = b, .draw = 0};
}

uint32_t tendril_random_bits(tendril_random *random) {
  philox4x32_ctr_t block = block_of(random, random->draw / WORDS);
  return block.v[random->draw++ % WORDS];
}

// 53 random bits as a double on [0, 1).
static double unit(uint32_t high, uint32_t low) {
  uint64_t bits = ((uint64_t)high << 32 | low) >> 11;
  return (double)bits * 0x1p-53;
}

double tendril_random_uniform(tendril_random *random, double low, double high) {
  uint32_t a = tendril_random_bits(random);
  uint32_t b = tendril_random_bits(random);
  return low + (high - low) * unit(a, b);
}

// The multiples of n below 2^32 are kept, the rest drawn again.
static uint32_t last_kept(uint32_t n) {
  return UINT32_MAX - (UINT32_MAX % n + 1) % n;
}

uint32_t tendril_random_below(tendril_random *random, uint32_t n) {
  uint32_t limit = last_kept(n);
  uint32_t bits = tendril_random_bits(random);
  while (bits > limit)
    bits = tendril_random_bits(random);
  return bits % n;
}

void tendril_random_belows(tendril_random *random, uint32_t n, int count, uint32_t *out) {
  const uint32_t limit = last_kept(n);
  uint32_t draw = random->draw;
  philox4x32_ctr_t block = block_of(random, draw / WORDS);
  for (int i = 0; i < count;) {
    const uint32_t bits = block.v[draw++ % WORDS];
    if (draw % WORDS == 0) block = block_of(random, draw / WORDS);
    if (bits <= limit) out[i++] = bits % n;
  }
  random->draw = draw;
}

void tendril_random_normals(tendril_random *random, int n, double *out) {
  const double two_pi = 6.283185307179586476925;
  uint32_t index = (random->draw + WORDS - 1) / WORDS;
  for (int i = 0; i < n; i += 2) {
    philox4x32_ctr_t block = block_of(random, index++);
    double u = 1.0 - unit(block.v[0], block.v[1]);  // (0, 1]: the logarithm is finite
    double angle = two_pi * unit(block.v[2], block.v[3]);
    double radius = sqrt(-2.0 * log(u));
    out[i] = radius * cos(angle);
    if (i + 1 < n) out[i + 1] = radius * sin(angle);
  }
  random->draw = index * WORDS;
}
