/* SPDX-License-Identifier: MIT
 * The section by which programs of the Go toolchain are known. */
__attribute__((section(".go.buildinfo"), used)) static char build_information[16] = "like Go";
int main(void) { return build_information[0] == 0; }
