/* SPDX-License-Identifier: MIT
 *
 * What every public header needs: C linkage, symbol visibility, the library's version.
 */
#ifndef NOSIGBUS_ABI_H
#define NOSIGBUS_ABI_H

/* The version of the headers: semantic versioning (semver.org). */
#define NOSIGBUS_VERSION_MAJOR 0
#define NOSIGBUS_VERSION_MINOR 1
#define NOSIGBUS_VERSION_PATCH 0

/* Between these two stand the declarations of a header. Functions and structures may share a name, as
 * stat(2) and struct stat do; gcc calls that shadowing. */
#define NOSIGBUS_NO_SHADOW_WARNING \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#ifdef __cplusplus
/* What is inline there is C. */
#define NOSIGBUS_BEGIN_DECLS \
  NOSIGBUS_NO_SHADOW_WARNING _Pragma("GCC diagnostic ignored \"-Wold-style-cast\"") extern "C" {
/* Ends what NOSIGBUS_BEGIN_DECLS began. */
#define NOSIGBUS_END_DECLS \
  }                        \
  _Pragma("GCC diagnostic pop")
/* Functions that no exception leaves; C has no word for it. */
#define NOSIGBUS_NOEXCEPT noexcept
#else
#define NOSIGBUS_BEGIN_DECLS NOSIGBUS_NO_SHADOW_WARNING
#define NOSIGBUS_END_DECLS _Pragma("GCC diagnostic pop")
#define NOSIGBUS_NOEXCEPT
#endif

/* What a library exports. */
#define NOSIGBUS_API __attribute__((visibility("default")))

/* Functions of a header: part of their caller even in a build without optimisation. */
#ifdef __cplusplus
#define NOSIGBUS_INLINE inline __attribute__((always_inline))
#else
#define NOSIGBUS_INLINE static inline __attribute__((always_inline))
#endif

#endif
