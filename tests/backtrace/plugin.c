/* SPDX-License-Identifier: MIT
 *
 * Somebody else's code on the stack, which comes and goes.
 */
int plugin_calls(int (*function)(void*), void* argument);
int plugin_calls(int (*function)(void*), void* argument) {
  volatile int result = function(argument);
  return result;
}
