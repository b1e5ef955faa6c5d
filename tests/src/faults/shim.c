/* Makes calls to the kernel fail that are about a database file: loaded into a process before its C library
 * (LD_PRELOAD), told what to do by the first words of a control file. See faults.rs.
 *
 *   none          nothing fails
 *   full          a write fails with ENOSPC
 *   quota N       a write fails with ENOSPC beyond byte N of a file; what fits is written
 *   write         a write fails with EIO
 *   sync          a sync fails with EIO
 *   noread        a read fails with EIO
 *   readonly      opening for writing fails with EROFS, and so does a write
 *   keep          after each sync, what the file then holds is kept in the folder FAULT_KEPT
 *   freeze        a sync waits, and the file FAULT_CONTROL.frozen says so
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t syncing = PTHREAD_MUTEX_INITIALIZER;

static int is_database(const char *path) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return strncmp(name, "milepost.db", 11) == 0 && strstr(name, ".jwt-secret") == NULL;
}

static int path_of(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_database(path);
}

static void read_control(char *word, size_t size) {
    const char *control = getenv("FAULT_CONTROL");
    strcpy(word, "none");
    if (!control) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t length = syscall(SYS_read, fd, word, size - 1);
    syscall(SYS_close, fd);
    if (length >= 0) word[length] = 0;
}

static int fails(int fd, const char *wanted, int code) {
    char word[64], path[4096];
    if (!path_of(fd, path, sizeof path)) return 0;
    read_control(word, sizeof word);
    if (strncmp(word, wanted, strlen(wanted)) != 0) return 0;
    errno = code;
    return 1;
}

/* How many of these bytes may be written there; -1 with errno when none. */
static ssize_t allowed(int fd, size_t count, off_t offset) {
    char word[64], path[4096];
    if (!path_of(fd, path, sizeof path)) return (ssize_t)count;
    read_control(word, sizeof word);
    if (strncmp(word, "full", 4) == 0) { errno = ENOSPC; return -1; }
    if (strncmp(word, "write", 5) == 0) { errno = EIO; return -1; }
    if (strncmp(word, "readonly", 8) == 0) { errno = EROFS; return -1; }
    if (strncmp(word, "quota ", 6) == 0) {
        off_t most = atoll(word + 6);
        if (offset >= most) { errno = ENOSPC; return -1; }
        if (offset + (off_t)count > most) return (ssize_t)(most - offset);
    }
    return (ssize_t)count;
}

ssize_t pwrite64(int fd, const void *from, size_t count, off_t offset) {
    ssize_t most = allowed(fd, count, offset);
    return most < 0 ? -1 : syscall(SYS_pwrite64, fd, from, (size_t)most, offset);
}
ssize_t pwrite(int fd, const void *from, size_t count, off_t offset) { return pwrite64(fd, from, count, offset); }
ssize_t write(int fd, const void *from, size_t count) {
    ssize_t most = allowed(fd, count, (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR));
    return most < 0 ? -1 : syscall(SYS_write, fd, from, (size_t)most);
}

ssize_t pread64(int fd, void *to, size_t count, off_t offset) {
    return fails(fd, "noread", EIO) ? -1 : syscall(SYS_pread64, fd, to, count, offset);
}
ssize_t pread(int fd, void *to, size_t count, off_t offset) { return pread64(fd, to, count, offset); }
ssize_t read(int fd, void *to, size_t count) {
    return fails(fd, "noread", EIO) ? -1 : syscall(SYS_read, fd, to, count);
}

static int open_at(const char *path, int flags, mode_t mode) {
    char word[64];
    if ((flags & O_ACCMODE) != O_RDONLY && is_database(path)) {
        read_control(word, sizeof word);
        if (strncmp(word, "readonly", 8) == 0) { errno = EROFS; return -1; }
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_at(path, flags | O_LARGEFILE, mode);
}
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_at(path, flags, mode);
}

/* Writes a copy of a file and puts it in the place of the former one. */
static void keep(const char *path) {
    const char *kept = getenv("FAULT_KEPT"), *name = strrchr(path, '/');
    char next[4096], last[4096], bytes[65536];
    ssize_t length;
    if (!kept || !name) return;
    snprintf(last, sizeof last, "%s%s", kept, name);
    snprintf(next, sizeof next, "%s%s.next", kept, name);
    int from = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    int to = (int)syscall(SYS_openat, AT_FDCWD, next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (from < 0 || to < 0) abort();
    while ((length = syscall(SYS_read, from, bytes, sizeof bytes)) > 0)
        if (syscall(SYS_write, to, bytes, (size_t)length) != length) abort();
    syscall(SYS_close, from);
    syscall(SYS_close, to);
    if (rename(next, last) != 0) abort();
}

static int sync_with(long number, int fd) {
    char word[64], path[4096], frozen[4096];
    int told = 0;
    if (!path_of(fd, path, sizeof path)) return (int)syscall(number, fd);
    pthread_mutex_lock(&syncing);
    for (;;) {
        read_control(word, sizeof word);
        if (strncmp(word, "freeze", 6) != 0) break;
        if (!told++) {
            snprintf(frozen, sizeof frozen, "%s.frozen", getenv("FAULT_CONTROL"));
            syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, frozen, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        }
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
    int result;
    if (strncmp(word, "sync", 4) == 0) {
        errno = EIO;
        result = -1;
    } else {
        result = (int)syscall(number, fd);
        if (result == 0 && strncmp(word, "keep", 4) == 0) keep(path);
    }
    pthread_mutex_unlock(&syncing);
    return result;
}
int fsync(int fd) { return sync_with(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_with(SYS_fdatasync, fd); }
