#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// The most characters that cotlp_format_double writes.
enum { COTLP_DOUBLE_ROOM = 32 };

// Writes the fewest digits that read back as the same finite number: plain between 1e-6 and 1e21, else with an exponent,
// where the OpenTelemetry Collector draws the line too. Returns the number of characters.
size_t cotlp_format_double(double value, char *text);

#ifdef __cplusplus
}
#endif
