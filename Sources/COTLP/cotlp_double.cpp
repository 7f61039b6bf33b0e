// C++ for its std::to_chars: shortest digits, no locale, an order of magnitude faster than trying printf precisions.

#include "cotlp_double.h"

#include <charconv>
#include <cmath>

size_t cotlp_format_double(double value, char *text) {
  const double magnitude = std::fabs(value);
  const bool plain = magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  return std::to_chars(text, text + COTLP_DOUBLE_ROOM, value, format).ptr - text;
}
