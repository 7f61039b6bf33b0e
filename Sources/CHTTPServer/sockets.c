#define _GNU_SOURCE
#include "chttpserver.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(sizeof(((chttp_address *)0)->bytes) >= sizeof(struct sockaddr_storage), "no room for an address");

static int listen_on(const struct addrinfo *address, uint16_t *bound_port) {
  int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);
  if (fd < 0) return -1;
  int on = 1, off = 0;
  /* A restarted collector must not wait for the old one's connections to be forgotten. */
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  struct sockaddr_storage bound = {0};
  socklen_t length = sizeof bound;
  if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0 &&
      getsockname(fd, (struct sockaddr *)&bound, &length) == 0) {
    *bound_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                    : ((struct sockaddr_in *)&bound)->sin_port);
    return fd;
  }
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

int chttp_listen(const char *host, uint16_t port, uint16_t *bound_port, const char **reason) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  int status = getaddrinfo(host[0] == '\0' ? NULL : host, service, &hints, &found);
  if (status != 0) {
    *reason = gai_strerror(status);
    return -1;
  }
  /* All addresses means the IPv6 wildcard, which takes IPv4 too; of a name's addresses IPv4 comes first. */
  const int families[2] = {host[0] == '\0' ? AF_INET6 : AF_INET, host[0] == '\0' ? AF_INET : AF_INET6};
  int fd = -1;
  /* The first reason, or the one that ended the search. */
  int failure = 0;
  bool searching = true;
  for (int i = 0; i < 2 && searching; i++)
    for (const struct addrinfo *address = found; address != NULL && searching; address = address->ai_next) {
      if (address->ai_family != families[i]) continue;
      fd = listen_on(address, bound_port);
      /* Only an address that this machine does not have gives way to another one: clients of a port that is in use, for
         instance, would go on talking to whoever has it. */
      searching = fd < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
      if (fd < 0 && (failure == 0 || !searching)) failure = errno;
    }
  if (fd < 0) *reason = failure != 0 ? strerrordesc_np(failure) : "it has no internet address";
  freeaddrinfo(found);
  return fd;
}

int chttp_accept(int listener, chttp_address *address) {
  socklen_t length = sizeof address->bytes;
  int fd = accept4(listener, (struct sockaddr *)address->bytes, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  address->length = length;
  return fd < 0 ? -errno : fd;
}

int64_t chttp_discard(int socket, size_t limit) {
  /* MSG_TRUNC has the kernel drop the bytes of a TCP stream without copying them. */
  ssize_t count = recv(socket, NULL, limit, MSG_TRUNC | MSG_DONTWAIT);
  if (count < 0 && errno == EFAULT) {
    /* Unix sockets copy. */
    char bytes[65536];
    count = recv(socket, bytes, limit < sizeof bytes ? limit : sizeof bytes, MSG_DONTWAIT);
  }
  return count < 0 ? -errno : count;
}

int64_t chttp_received(int socket) {
  struct tcp_info info;
  socklen_t length = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return -1;
  /* An old kernel fills less of it. */
  return length < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received
             ? -1
             : (int64_t)info.tcpi_bytes_received;
}

bool chttp_is_left(int socket) {
  char byte;
  return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void chttp_tell(int socket, const void *bytes, size_t count) {
  ssize_t sent = send(socket, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  /* Whoever has no room for a few hundred bytes is not told. */
  (void)sent;
  shutdown(socket, SHUT_WR);
}

void chttp_cut(int socket, bool forget) {
  if (forget) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  shutdown(socket, SHUT_RDWR);
}

int chttp_wakeup_new(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void chttp_wakeup_signal(int wakeup) {
  uint64_t one = 1;
  while (write(wakeup, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void chttp_wakeup_clear(int wakeup) {
  uint64_t count;
  while (read(wakeup, &count, sizeof count) < 0 && errno == EINTR) {
  }
}
