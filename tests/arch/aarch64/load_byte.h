/* SPDX-License-Identifier: MIT
 *
 * One instruction: operand 0 = the byte at operand 1. */
#define LOAD_BYTE "ldrb %w0, [%1]"
