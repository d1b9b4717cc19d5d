// SPDX-License-Identifier: MIT
//
// What the snippets of the documents use of a program that is not there.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
#include <functional>
#include <span>
#include <string>

struct picture;
int decode(const void* encoded, size_t size, picture& out);
std::string parse(const void* text, size_t size);
void keep(const std::string& text);
#endif

void draw(const void* pixels, size_t size);
