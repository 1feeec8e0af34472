// A recorded episode as one HTML file that plays it: page, three.js and data in it, nothing to
// install, nothing to download.
#ifndef TND_HTML_H
#define TND_HTML_H

#include "base/aside.h"
#include "view/trace.h"

typedef struct tnd_html_info {
  const char *title;    // what is shown, one line; NULL: the task's name
  const char *caption;  // how it came about, one line; NULL: none
} tnd_html_info;

// All that the trace remembers, at the end of a file in the making.
// @param info  borrowed, may be NULL; any text, also one with tags in it
// @return E_IO, E_MEMORY, or E_PHYSICS if MuJoCo can't compute a pose
TENDRIL_MUST_CHECK tendril_status tnd_html_write(const tnd_trace *trace, const tnd_html_info *info,
                                                 tnd_aside *aside, tendril_error *err);

#endif
