/* The door to the OpenMP threads that libtorch computes with: one pool a process, sized by `threads=`, whatever the number of
   plugins. Its number of threads is that of the calling thread, as libtorch sets it. */

#include <omp.h>

int recsys_n_threads(void) { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

void recsys_parallel(int n_threads, void (*body)(void *), void *data) {
#pragma omp parallel num_threads(n_threads)
  body(data);
}
