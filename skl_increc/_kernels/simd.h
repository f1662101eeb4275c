/* Wide vectors where the processor has them, plain C99 everywhere else.
 *
 * One build serves every x86-64: GCC with glibc compiles each marked function once per level and
 * picks at load time.  Other compilers, or -DSKL_INCREC_NO_CLONES, get the plain build. */
#ifndef SKL_INCREC_SIMD_H
#define SKL_INCREC_SIMD_H

#if !defined(SKL_INCREC_NO_CLONES) && defined(__GNUC__) && !defined(__clang__) \
    && defined(__x86_64__) && defined(__GLIBC__)
/* "avx2" alone does not turn FMA on; the arch= levels do. */
#define SKL_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define SKL_CLONES
#endif

#if defined(__GNUC__) || defined(__clang__)
#define SKL_PREFETCH(p) __builtin_prefetch((p), 1, 3)
#define SKL_INLINE static inline __attribute__((always_inline))
#define SKL_OPTIONAL __attribute__((unused))
#define SKL_RESTRICT __restrict__
#elif defined(_MSC_VER)
#define SKL_PREFETCH(p) ((void)0)
#define SKL_INLINE static __forceinline
#define SKL_OPTIONAL
#define SKL_RESTRICT __restrict
#else
#define SKL_PREFETCH(p) ((void)0)
#define SKL_INLINE static inline
#define SKL_OPTIONAL
#define SKL_RESTRICT
#endif

#endif
