#include "cre2.h"

#include <re2/re2.h>

#include <cstdio>
#include <new>

struct cre2_expression {
  re2::RE2 re;
  cre2_expression(const re2::StringPiece &pattern, const re2::RE2::Options &options) : re(pattern, options) {}
};

cre2_expression *cre2_compile(const char *pattern, size_t count, char *problem, size_t capacity) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto *expression = new (std::nothrow) cre2_expression(re2::StringPiece(pattern, count), options);
  if (expression == nullptr) {
    std::snprintf(problem, capacity, "no memory");
    return nullptr;
  }
  if (!expression->re.ok()) {
    std::snprintf(problem, capacity, "%s", expression->re.error().c_str());
    delete expression;
    return nullptr;
  }
  return expression;
}

void cre2_free(cre2_expression *expression) { delete expression; }

bool cre2_find(const cre2_expression *expression, const char *text, size_t count, size_t start, size_t end,
               size_t *match_start, size_t *match_end) {
  re2::StringPiece match;
  re2::StringPiece whole(text, count);
  if (!expression->re.Match(whole, start, end, re2::RE2::UNANCHORED, &match, 1)) return false;
  *match_start = static_cast<size_t>(match.data() - text);
  *match_end = *match_start + match.size();
  return true;
}
