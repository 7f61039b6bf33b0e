#define _GNU_SOURCE
#include "chttpserver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOCKET_MODE = 0660 };

/* Holds off others who look whether somebody listens in the same folder, until it is closed. -1 with errno. */
static int lock_folder(const char *path) {
  char folder[sizeof((struct sockaddr_un *)0)->sun_path];
  strcpy(folder, path);
  char *name = strrchr(folder, '/');
  /* The root's name is its slash. */
  if (name != NULL) name[name == folder] = '\0';
  int fd = open(name == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    while (flock(fd, LOCK_EX) < 0 && errno == EINTR) {
    }
  }
  return fd;
}

/* Removes a socket that nobody listens on any more. 0, or an errno. */
static int remove_stale(const struct sockaddr_un *address) {
  struct stat found;
  if (lstat(address->sun_path, &found) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(found.st_mode)) return EEXIST;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  /* Whoever is too busy to take it (EAGAIN) listens as well. */
  int status = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
  close(fd);
  if (status != ECONNREFUSED) return status == 0 || status == EAGAIN ? EADDRINUSE : status;
  return unlink(address->sun_path) == 0 ? 0 : errno;
}

static int listen_on(int fd, const struct sockaddr_un *address, chttp_file_id *file) {
  struct stat made;
  int status = remove_stale(address);
  if (status != 0) return status;
  /* Nobody can connect before `listen`, so the file has its mode in time. */
  if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) return errno;
  if (chmod(address->sun_path, SOCKET_MODE) == 0 && lstat(address->sun_path, &made) == 0 && listen(fd, SOMAXCONN) == 0) {
    *file = (chttp_file_id){.device = made.st_dev, .number = made.st_ino};
    return 0;
  }
  status = errno;
  unlink(address->sun_path);
  return status;
}

int chttp_listen_unix(const char *path, chttp_file_id *file, const char **reason) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  int status = length == 0 ? ENOENT : length >= sizeof address.sun_path ? ENAMETOOLONG : 0;
  int fd = -1, folder = -1;
  if (status == 0) {
    memcpy(address.sun_path, path, length);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    folder = fd < 0 ? -1 : lock_folder(path);
    status = folder < 0 ? errno : listen_on(fd, &address, file);
  }
  if (folder >= 0) close(folder);
  if (status == 0) return fd;
  if (fd >= 0) close(fd);
  *reason = status == ENAMETOOLONG ? "the path of a Unix socket has at most 107 bytes"
            : status == EEXIST     ? "something else than a socket stands there"
                                   : strerrordesc_np(status);
  return -1;
}

void chttp_unlisten(const char *path, const chttp_file_id *file) {
  struct stat found;
  if (lstat(path, &found) == 0 && found.st_dev == file->device && found.st_ino == file->number) unlink(path);
}
