/* A disk whose flush takes as long as that of a desktop drive: put before the C library, it makes fsync and fdatasync wait
 * TANDEM_FLUSH_MICROSECONDS before they do their work. The benchmarks build it when they need it and load it into a child
 * process; the appliance never does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int (*flush_function)(int);

static void wait_as_a_slow_disk(void)
{
    const char *wish = getenv("TANDEM_FLUSH_MICROSECONDS");
    long microseconds = wish == NULL ? 0 : strtol(wish, NULL, 10);
    struct timespec left = {microseconds / 1000000, microseconds % 1000000 * 1000};

    if (microseconds > 0)
        while (nanosleep(&left, &left) != 0)
            ;
}

static int flush_slowly(const char *name, int descriptor)
{
    flush_function next = (flush_function)dlsym(RTLD_NEXT, name);

    wait_as_a_slow_disk();
    return next(descriptor);
}

int fsync(int descriptor) { return flush_slowly("fsync", descriptor); }

int fdatasync(int descriptor) { return flush_slowly("fdatasync", descriptor); }
