// SPDX-License-Identifier: MIT
//
// In the place of the drop-in: a library that is loaded, says so, and does nothing.
#include "journal_client.h"

namespace {

__attribute__((constructor)) void attach() {
  if (auto* const journal = test::open_journal()) journal->attached.fetch_add(1);
}

}  // namespace
