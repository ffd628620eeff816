/*
 * Stands in for a disk: put before the system's own fsync and fdatasync with LD_PRELOAD.
 *
 *   FSYNC_MS          each call takes this much longer
 *   FSYNC_LOG         a file that gets one line a call, when it has returned: nanoseconds of
 *                     CLOCK_MONOTONIC, which is what process.hrtime.bigint() reads
 *   FSYNC_FAIL_FILE   while this file exists, each call fails with EIO
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void log_call(void) {
  const char *path = getenv("FSYNC_LOG");
  if (path == NULL) return;
  int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (log < 0) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  char line[32];
  int length = snprintf(line, sizeof line, "%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
  if (write(log, line, length) < 0) { /* then the test that reads it fails */ }
  close(log);
}

static int sync_slowly(const char *name, int descriptor) {
  const char *fail_file = getenv("FSYNC_FAIL_FILE");
  if (fail_file != NULL && access(fail_file, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  const char *ms = getenv("FSYNC_MS");
  if (ms != NULL) {
    long delay = atol(ms);
    struct timespec rest = {delay / 1000, (delay % 1000) * 1000000};
    nanosleep(&rest, NULL);
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int result = real(descriptor);
  log_call();
  return result;
}

int fsync(int descriptor) { return sync_slowly("fsync", descriptor); }
int fdatasync(int descriptor) { return sync_slowly("fdatasync", descriptor); }
