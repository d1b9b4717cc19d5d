/* SPDX-License-Identifier: MIT
 *
 * Of Firefox, what the diffs of docs/migrating.md use.
 */
#include <cstddef>
#include <cstdint>

enum nsresult { NS_OK, NS_ERROR_FAILURE, NS_ERROR_FILE_CORRUPTED };

struct nsZipHandle {
  const uint8_t* mFileStart;
  size_t mTotalLen;
};

nsresult ReadEntries(const uint8_t* aFile, size_t aLength);
