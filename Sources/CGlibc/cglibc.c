#define _GNU_SOURCE
#include "cglibc.h"
#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <wchar.h>

void cglibc_set_thread_name(const char *name) {
  char cut[16];
  strncpy(cut, name, sizeof cut - 1);
  cut[sizeof cut - 1] = 0;
  pthread_setname_np(pthread_self(), cut);
}

void cglibc_trim_memory(void) { malloc_trim(0); }

static locale_t unicode;
static void make_unicode(void) { unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); }

int cglibc_column_width(uint32_t scalar) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_unicode);
  if (!unicode) return -1;
  locale_t before = uselocale(unicode);
  int width = wcwidth((wchar_t)scalar);
  uselocale(before);
  return width;
}
