// SPDX-License-Identifier: Apache-2.0
// Preloaded into cloudsync: runs a command at one rename, so that another program acts at the worst
// moment, and takes abilities of the file system away.
//   HOOK_AT="exchange:1:before"  kind (exchange, plain, aside), which of that kind, before or after
//   HOOK_RUN=command             by sh, with the rename still to come, or just done
//   HOOK_LACKS="flags links"     renameat2 with flags and linkat fail as on such file systems
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int seen;

static int lacks(const char* what) {
  const char* list = getenv("HOOK_LACKS");
  return list && strstr(list, what);
}

static int is_into_aside(int dir) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return n > 6 && strcmp(path + n - 6, "/aside") == 0;
}

static void act(int number, const char* when) {
  const char* at = getenv("HOOK_AT");
  const char* colon = at ? strchr(at, ':') : NULL;
  if (!colon || atoi(colon + 1) != number || !strstr(colon, when)) return;
  const pid_t child = fork();
  if (child == 0) {
    unsetenv("LD_PRELOAD");
    execl("/bin/sh", "sh", "-c", getenv("HOOK_RUN"), (char*)NULL);
    _exit(127);
  }
  waitpid(child, NULL, 0);
}

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
  if (flags != 0 && lacks("flags")) {
    errno = EINVAL;
    return -1;
  }
  const char* at = getenv("HOOK_AT");
  int counted = 0;
  if (at && strncmp(at, "exchange", 8) == 0) counted = flags == 2;
  if (at && strncmp(at, "plain", 5) == 0) counted = flags == 0 && !is_into_aside(to_dir);
  if (at && strncmp(at, "aside", 5) == 0)
    counted = flags == 0 && is_into_aside(to_dir) && !strstr(to, ".json") &&
              !strstr(from, "body-");
  const int number = counted ? atomic_fetch_add(&seen, 1) + 1 : 0;
  if (number) act(number, "before");
  const int result = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
  const int error = errno;
  if (number) act(number, "after");
  errno = error;
  return result;
}

int linkat(int from_dir, const char* from, int to_dir, const char* to, int flags) {
  if (lacks("links")) {
    errno = EPERM;
    return -1;
  }
  return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}
