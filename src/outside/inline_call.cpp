// SPDX-License-Identifier: MIT
//
// Inline operations for those whose compiler cannot inline them.
#include <string.h>
#include <nosigbus/inline.hpp>

namespace {

template <size_t Size>
using access = nosigbus::detail::access<Size>;
template <size_t Size>
using bits = typename access<Size>::bits;

template <size_t Size>
int move(int operation, volatile void* address, bits<Size>& value) {
  switch (operation) {
    case NOSIGBUS_DO_LOAD:
      return access<Size>::load(address, &value);
    case NOSIGBUS_DO_STORE:
      return access<Size>::store(address, value);
    default:
      return -EINVAL;
  }
}

template <size_t Size>
int move_or_change(int operation, volatile void* address, bits<Size>& value, const void* desired) {
  bits<Size> wanted{};
  switch (operation) {
    case NOSIGBUS_DO_LOAD_ACQUIRE:
      return access<Size>::load_acquire(address, &value);
    case NOSIGBUS_DO_STORE_RELEASE:
      return access<Size>::store_release(address, value);
    case NOSIGBUS_DO_EXCHANGE:
      return access<Size>::exchange(address, value, &value);
    case NOSIGBUS_DO_FETCH_ADD:
      return access<Size>::fetch_add(address, value, &value);
    case NOSIGBUS_DO_COMPARE_EXCHANGE:
      memcpy(&wanted, desired, Size);
      return access<Size>::compare_exchange(address, &value, wanted);
    default:
      return move<Size>(operation, address, value);
  }
}

template <size_t Size>
int call(int operation, volatile void* address, void* value, const void* desired) {
  bits<Size> held;
  memcpy(&held, value, Size);
  int result;
  if constexpr (Size == 4 || Size == 8) {
    result = move_or_change<Size>(operation, address, held, desired);
  } else {
    result = move<Size>(operation, address, held);
  }
  memcpy(value, &held, Size);
  return result;
}

}  // namespace

int nosigbus_inline_call(int operation, unsigned size, volatile void* address, void* value,
                         const void* desired) noexcept {
  switch (size) {
    case 1:
      return call<1>(operation, address, value, desired);
    case 2:
      return call<2>(operation, address, value, desired);
    case 4:
      return call<4>(operation, address, value, desired);
    case 8:
      return call<8>(operation, address, value, desired);
    case 16:
      return call<16>(operation, address, value, desired);
    default:
      return -EINVAL;
  }
}
