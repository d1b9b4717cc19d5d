/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/inline.h>: the operations for the processor that is compiled for.
 */
#ifndef NOSIGBUS_ARCH_SELECT_H
#define NOSIGBUS_ARCH_SELECT_H

/* asm goto with outputs, also outputs that are inputs. */
#if defined(__clang__)
#define NOSIGBUS_HAVE_ASM_GOTO (__clang_major__ >= 14)
#else
#define NOSIGBUS_HAVE_ASM_GOTO (__GNUC__ >= 11)
#endif

#if !NOSIGBUS_HAVE_ASM_GOTO || defined(NOSIGBUS_PORTABLE)
#include <nosigbus/arch/portable.h>
#elif defined(__x86_64__) && defined(__LP64__)
#include <nosigbus/arch/x86_64.h>
#elif defined(__aarch64__) && defined(__LP64__) && defined(__AARCH64EL__)
#include <nosigbus/arch/aarch64.h>
#else
#include <nosigbus/arch/portable.h>
#endif

#endif
