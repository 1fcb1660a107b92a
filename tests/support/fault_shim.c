/* Preloaded into a process: counts its calls that touch files below a folder, and kills it at, or
   fails, the n-th. A write that is killed gets half of its bytes to the file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ = 1, CREATE = 2, WRITE = 4, SYNC = 8, NAME = 16, FOLDER = 32, LOCK = 64 };
enum { COUNT, KILL, FAIL, FAIL_ON };

static char root[PATH_MAX];
static size_t root_length;
static int kinds, action, code;
static int armed, at, done;
static char inside_fd[1 << 16];

void shim_arm(const char *folder, int which, int when, int what, int error) {
  strncpy(root, folder, sizeof root - 1);
  root_length = strlen(root);
  kinds = which, at = when, action = what, code = error, done = 0, armed = 1;
}

int shim_done(void) { return done; }

static int is_inside(int folder, const char *path) {
  char here[PATH_MAX];
  if (!armed || !path) return 0;
  if (path[0] != '/') {
    if (folder != AT_FDCWD) return folder >= 0 && inside_fd[folder & 0xffff];
    if (!getcwd(here, sizeof here)) return 0;
    path = here;
  }
  return strncmp(path, root, root_length) == 0;
}

static int is_turn(int kind) { return (kind & kinds) && __sync_add_and_fetch(&done, 1) >= at && at; }

static int strike(int kind) { /* whether the call must fail */
  if (!is_turn(kind)) return 0;
  if (action == KILL && done == at) kill(getpid(), SIGKILL);
  if ((action == FAIL && done == at) || action == FAIL_ON) {
    errno = code;
    return 1;
  }
  return 0;
}

#define REAL(name) ({ static void *real; if (!real) real = dlsym(RTLD_NEXT, #name); (__typeof__(&name))real; })

static int note(int fd, int inside) {
  if (fd >= 0) inside_fd[fd & 0xffff] = inside;
  return fd;
}

static int kind_of(int flags) {
  return (flags & O_CREAT) ? CREATE : (flags & O_ACCMODE) == O_RDONLY ? READ : CREATE;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
    int inside = is_inside(AT_FDCWD, path); \
    if (inside && strike(kind_of(flags))) return -1; \
    return note(REAL(name)(path, flags, mode), inside); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
    int inside = is_inside(folder, path); \
    if (inside && strike(kind_of(flags))) return -1; \
    return note(REAL(name)(folder, path, flags, mode), inside); \
  }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name) \
  FILE *name(const char *path, const char *mode) { \
    int inside = is_inside(AT_FDCWD, path); \
    if (inside && strike(mode[0] == 'r' && !strchr(mode, '+') ? READ : CREATE)) return NULL; \
    FILE *file = REAL(name)(path, mode); \
    if (file) note(fileno(file), inside); \
    return file; \
  }
FOPEN(fopen)
FOPEN(fopen64)

int close(int fd) {
  if (fd >= 0) inside_fd[fd & 0xffff] = 0;
  return REAL(close)(fd);
}

#define ON_FD(fd) (armed && (fd) >= 0 && inside_fd[(fd) & 0xffff])
#define HALVES(first) \
  if (ON_FD(fd)) { \
    if (action == KILL && (kinds & WRITE) && done + 1 == at) { first; } \
    if (strike(WRITE)) return -1; \
  }

ssize_t write(int fd, const void *data, size_t size) {
  HALVES(REAL(write)(fd, data, size / 2))
  return REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t place) {
  HALVES(REAL(pwrite)(fd, data, size / 2, place))
  return REAL(pwrite)(fd, data, size, place);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) {
  HALVES(REAL(pwrite64)(fd, data, size / 2, place))
  return REAL(pwrite64)(fd, data, size, place);
}
ssize_t writev(int fd, const struct iovec *parts, int number) {
  HALVES((void)0)
  return REAL(writev)(fd, parts, number);
}

/* Copies of whole files, as shutil and Rust make them. A killed one has copied one byte. */
#define SENDFILE(name, type) \
  ssize_t name(int fd, int from, type *place, size_t size) { \
    HALVES(REAL(name)(fd, from, place, 1)) \
    return REAL(name)(fd, from, place, size); \
  }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)
ssize_t copy_file_range(int from, off64_t *start, int fd, off64_t *to, size_t size, unsigned flags) {
  HALVES(REAL(copy_file_range)(from, start, fd, to, 1, flags))
  return REAL(copy_file_range)(from, start, fd, to, size, flags);
}

#define FD_CALL(name, kind, type, ...) \
  if (ON_FD(fd) && strike(kind)) return -1; \
  return REAL(name)(__VA_ARGS__);
int fsync(int fd) { FD_CALL(fsync, SYNC, int, fd) }
int fdatasync(int fd) { FD_CALL(fdatasync, SYNC, int, fd) }
int ftruncate(int fd, off_t size) { FD_CALL(ftruncate, WRITE, int, fd, size) }
int ftruncate64(int fd, off64_t size) { FD_CALL(ftruncate64, WRITE, int, fd, size) }
int flock(int fd, int how) { FD_CALL(flock, LOCK, int, fd, how) }
int fchmod(int fd, mode_t mode) { FD_CALL(fchmod, NAME, int, fd, mode) }

#define PATH_CALL(name, kind, folder, path, ...) \
  if (is_inside(folder, path) && strike(kind)) return -1; \
  return REAL(name)(__VA_ARGS__);
int rename(const char *a, const char *b) { PATH_CALL(rename, NAME, AT_FDCWD, b, a, b) }
int renameat(int f, const char *a, int g, const char *b) { PATH_CALL(renameat, NAME, g, b, f, a, g, b) }
int link(const char *a, const char *b) { PATH_CALL(link, NAME, AT_FDCWD, b, a, b) }
int linkat(int f, const char *a, int g, const char *b, int how) { PATH_CALL(linkat, NAME, g, b, f, a, g, b, how) }
int unlink(const char *path) { PATH_CALL(unlink, NAME, AT_FDCWD, path, path) }
int unlinkat(int f, const char *path, int how) { PATH_CALL(unlinkat, NAME, f, path, f, path, how) }
int rmdir(const char *path) { PATH_CALL(rmdir, NAME, AT_FDCWD, path, path) }
int mkdir(const char *path, mode_t mode) { PATH_CALL(mkdir, FOLDER, AT_FDCWD, path, path, mode) }
int mkdirat(int f, const char *path, mode_t mode) { PATH_CALL(mkdirat, FOLDER, f, path, f, path, mode) }
int truncate(const char *path, off_t size) { PATH_CALL(truncate, WRITE, AT_FDCWD, path, path, size) }
int truncate64(const char *path, off64_t size) { PATH_CALL(truncate64, WRITE, AT_FDCWD, path, path, size) }
int chmod(const char *path, mode_t mode) { PATH_CALL(chmod, NAME, AT_FDCWD, path, path, mode) }
