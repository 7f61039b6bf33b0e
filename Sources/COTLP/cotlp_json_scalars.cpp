#include "cotlp_json_scalars.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace cotlp {

static const uint8_t NO_DIGIT = 0xff;

// The values of digits by character.
struct digits {
  uint8_t values[256];

  uint8_t operator[](char character) const { return values[static_cast<uint8_t>(character)]; }
};

static constexpr digits make_digits(const char *characters, unsigned base) {
  digits made{};
  for (unsigned i = 0; i < 256; i++)
    made.values[i] = NO_DIGIT;
  for (unsigned i = 0; characters[i]; i++)
    made.values[static_cast<uint8_t>(characters[i])] = static_cast<uint8_t>(i % base);
  return made;
}

static constexpr digits HEX = make_digits("0123456789abcdef0123456789ABCDEF", 16);
static constexpr digits BASE64 = make_digits("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                                             64);

static bool is_digit(char character) { return static_cast<unsigned char>(character - '0') < 10; }

#ifdef __SSE2__
// Copies 16 characters. Has a bit for each that is a backslash or a quote.
static inline unsigned copy_16(const char *from, uint8_t *to) {
  const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i *>(to), chunk);
  const __m128i backslash = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\')), quote = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(backslash, quote)));
}

// Copies until a backslash or a quote, or all of it: 64 characters at once, since the lengths of texts are what a processor
// can't predict.
static inline const char *copy_plain(const char *at, const char *end, uint8_t **to) {
  for (;;) {
    const ptrdiff_t left = end - at;
    uint64_t found = 0;
    for (unsigned i = 0; i < 64; i += 16)
      found |= static_cast<uint64_t>(copy_16(at + i, *to + i)) << i;
    const ptrdiff_t plain = found ? __builtin_ctzll(found) : 64;
    const ptrdiff_t taken = plain < left ? plain : left;
    at += taken;
    *to += taken;
    if (taken < 64)
      return at;
  }
}
#else
static const char *copy_plain(const char *at, const char *end, uint8_t **to) {
  while (at < end && *at != '\\' && *at != '"')
    *(*to)++ = static_cast<uint8_t>(*at++);
  return at;
}
#endif

static bool read_code_unit(const char *at, const char *end, uint32_t *unit) {
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
    return false;
  *unit = 0;
  for (unsigned i = 2; i < 6; i++) {
    const uint8_t digit = HEX[at[i]];
    if (digit == NO_DIGIT)
      return false;
    *unit = *unit << 4 | digit;
  }
  return true;
}

static uint8_t *write_utf8(uint32_t scalar, uint8_t *to) {
  const unsigned more = scalar < 0x80 ? 0 : scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
  static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
  *to++ = static_cast<uint8_t>(leads[more] | scalar >> (6 * more));
  for (unsigned left = more; left-- > 0;)
    *to++ = static_cast<uint8_t>(0x80 | (scalar >> (6 * left) & 0x3f));
  return to;
}

// Resolves the escape at `at`. NULL when there is no such escape.
static const char *copy_escape(const char *at, const char *end, uint8_t **to) {
  if (end - at < 2)
    return nullptr;
  const auto put = [&](char character) {
    *(*to)++ = static_cast<uint8_t>(character);
    return at + 2;
  };
  switch (at[1]) {
  case '"': case '\\': case '/': return put(at[1]);
  case 'b': return put('\b');
  case 'f': return put('\f');
  case 'n': return put('\n');
  case 'r': return put('\r');
  case 't': return put('\t');
  default: break;
  }
  uint32_t scalar;
  if (!read_code_unit(at, end, &scalar))
    return nullptr;
  at += 6;
  if (scalar >= 0xd800 && scalar < 0xe000) {
    uint32_t low;
    if (scalar >= 0xdc00 || !read_code_unit(at, end, &low) || low < 0xdc00 || low >= 0xe000)
      return nullptr;
    scalar = 0x10000 + ((scalar - 0xd800) << 10 | (low - 0xdc00));
    at += 6;
  }
  *to = write_utf8(scalar, *to);
  return at;
}

cotlp_json_fault copy_text(characters content, uint8_t **to, const char **fault_at) {
  const char *at = content.at, *end = content.end();
  for (;;) {
    at = copy_plain(at, end, to);
    if (at == end)
      return COTLP_JSON_SOUND;
    *fault_at = at;
    // A quote that ends the string before its end: something else follows it.
    if (*at == '"')
      return COTLP_JSON_BAD_SYNTAX;
    at = copy_escape(at, end, to);
    if (!at)
      return COTLP_JSON_BAD_ESCAPE;
  }
}

namespace {

// A number's parts as they are written.
struct decimal {
  bool negative = false;
  characters whole{nullptr, 0}, fraction{nullptr, 0};
  int64_t exponent = 0;

  size_t digit_count() const { return whole.count + fraction.count; }
  // From the first of the whole part to the last of the fraction.
  unsigned digit(size_t index) const {
    return static_cast<unsigned>((index < whole.count ? whole.at[index] : fraction.at[index - whole.count]) - '0');
  }

  bool parse(characters text, bool in_string);
};

} // namespace

static characters take_digits(const char **at, const char *end) {
  const char *start = *at;
  while (*at < end && is_digit(**at))
    ++*at;
  return {start, static_cast<size_t>(*at - start)};
}

bool decimal::parse(characters text, bool in_string) {
  const char *at = text.at, *end = text.end();
  if (at < end && *at == '-') {
    negative = true;
    at++;
  }
  whole = take_digits(&at, end);
  if (whole.count == 0 || (whole.count > 1 && whole.at[0] == '0' && !in_string))
    return false;
  if (at < end && *at == '.') {
    at++;
    fraction = take_digits(&at, end);
    if (fraction.count == 0)
      return false;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    at++;
    const bool down = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
      at++;
    const characters digits = take_digits(&at, end);
    if (digits.count == 0)
      return false;
    // Beyond any number of digits that a text can have.
    const int64_t most = INT64_C(1) << 40;
    for (size_t i = 0; i < digits.count && exponent < most; i++)
      exponent = 10 * exponent + (digits.at[i] - '0');
    if (down)
      exponent = -exponent;
  }
  return at == end;
}

bool is_number(characters text, bool in_string) { return decimal().parse(text, in_string); }

static bool append_digit(uint64_t *sum, unsigned digit) {
  return !__builtin_mul_overflow(*sum, UINT64_C(10), sum) && !__builtin_add_overflow(*sum, uint64_t(digit), sum);
}

// What most integers are: up to 19 digits and nothing else, which no uint64_t is too small for.
static bool read_plain_integer(characters text, bool in_string, uint64_t *magnitude) {
  if (text.count == 0 || text.count > 19 || (text.count > 1 && text.at[0] == '0' && !in_string))
    return false;
  uint64_t sum = 0;
  for (size_t i = 0; i < text.count; i++) {
    if (!is_digit(text.at[i]))
      return false;
    sum = 10 * sum + static_cast<unsigned>(text.at[i] - '0');
  }
  *magnitude = sum;
  return true;
}

bool read_integer(characters text, bool in_string, bool *negative, uint64_t *magnitude) {
  *negative = false;
  if (read_plain_integer(text, in_string, magnitude))
    return true;
  decimal number;
  if (!number.parse(text, in_string))
    return false;
  *negative = number.negative;
  *magnitude = 0;
  size_t first = 0, last = number.digit_count();
  int64_t shift = number.exponent - static_cast<int64_t>(number.fraction.count);
  if (shift != 0) {
    while (first < last && number.digit(first) == 0)
      first++;
    for (; last > first && number.digit(last - 1) == 0; last--)
      shift++;
    if (first == last)
      return true;
    // No uint64_t has more than 20 digits.
    if (shift < 0 || shift > 20)
      return false;
  }
  for (size_t index = first; index < last; index++)
    if (!append_digit(magnitude, number.digit(index)))
      return false;
  for (; shift > 0; shift--)
    if (!append_digit(magnitude, 0))
      return false;
  return true;
}

bool read_double(characters text, bool in_string, double *number) {
  if (in_string && (text.at[0] == 'N' || text.at[0] == 'I' || (text.count == 9 && text.at[1] == 'I'))) {
    *number = text.at[0] == 'N' ? std::nan("") : text.at[0] == 'I' ? HUGE_VAL : -HUGE_VAL;
    return text.equals("NaN", 3) || text.equals("Infinity", 8) || text.equals("-Infinity", 9);
  }
  if (!is_number(text, in_string))
    return false;
  if (std::from_chars(text.at, text.end(), *number).ec == std::errc())
    return true;
  // Too large, which no field can hold, or as good as zero. What follows the number ends it for strtod too; a decimal
  // point is a point, as nobody sets a locale.
  *number = std::strtod(text.at, nullptr);
  return std::isfinite(*number);
}

bool read_hex(characters text, uint8_t *to, size_t *count) {
  if (text.count % 2) {
    for (size_t i = 0; i < text.count; i++)
      if ((to[i] = HEX[text.at[i]]) == NO_DIGIT)
        return false;
    *count = text.count;
    return true;
  }
  uint8_t bad = 0;
  for (size_t i = 0; i < text.count; i += 2) {
    const uint8_t high = HEX[text.at[i]], low = HEX[text.at[i + 1]];
    bad |= high | low;
    to[i / 2] = static_cast<uint8_t>(high << 4 | low);
  }
  *count = text.count / 2;
  return (bad & 0xf0) == 0;
}

bool read_base64(characters text, uint8_t *to, size_t *count) {
  if (text.count % 4 == 0)
    for (unsigned padding = 0; padding < 2 && text.count > 0 && text.at[text.count - 1] == '='; padding++)
      text.count--;
  if (text.count % 4 == 1)
    return false;
  uint8_t *start = to;
  uint32_t bits = 0;
  unsigned bit_count = 0;
  for (size_t i = 0; i < text.count; i++) {
    const uint8_t digit = BASE64[text.at[i]];
    if (digit == NO_DIGIT)
      return false;
    bits = bits << 6 | digit;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      *to++ = static_cast<uint8_t>(bits >> bit_count);
    }
  }
  *count = static_cast<size_t>(to - start);
  return true;
}

} // namespace cotlp
