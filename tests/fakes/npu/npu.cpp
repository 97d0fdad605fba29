// An "npu" that lives in host memory, so that perfgate's way to an NPU runs without one.
//
// PyTorch keeps a device type free for backends outside of it, PrivateUse1; torch_npu uses the
// same one. Here every operator runs on the CPU at once. Three things behave as on a device,
// because they are what perfgate relies on:
//
//   memory  an allocator with a capacity, a current and a peak figure;
//   queue   a kernel may be given a duration, by which the device then lags behind the host: a
//           host clock that is read without synchronising misses it, an event does not;
//   counts  of kernels and of synchronises, so that a test can tell whether a program waited.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/Tensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

namespace {

constexpr auto kNpu = c10::DeviceType::PrivateUse1;
constexpr c10::DeviceIndex kDevices = 1;
const c10::Device the_npu(kNpu, 0);

// --- queue ------------------------------------------------------------------------------------

int64_t host_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

// The moment until which the device is busy. Kernels have really ended before.
class Queue {
 public:
  std::atomic<int64_t> kernel_ns{0};
  std::atomic<int64_t> kernels{0};
  std::atomic<int64_t> synchronises{0};

  void add_kernel() {
    kernels++;
    const std::lock_guard<std::mutex> guard(mutex_);
    busy_until_ns_ = std::max(busy_until_ns_, host_ns()) + kernel_ns;
  }

  int64_t reaches_now_at_ns() {
    const std::lock_guard<std::mutex> guard(mutex_);
    return std::max(busy_until_ns_, host_ns());
  }

  void wait() {
    const auto still = std::chrono::nanoseconds(reaches_now_at_ns() - host_ns());
    if (still.count() > 0) std::this_thread::sleep_for(still);
  }

  void synchronise() {
    synchronises++;
    wait();
  }

 private:
  std::mutex mutex_;
  int64_t busy_until_ns_ = 0;
};

Queue queue;

// One operator on the device. The operators that its imitation calls in turn are not counted, and
// its copies to the host do not wait.
class Kernel {
 public:
  Kernel() { depth_++; }
  ~Kernel() {
    if (--depth_ == 0) queue.add_kernel();
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  static bool running() { return depth_ > 0; }

 private:
  static thread_local int depth_;
};

thread_local int Kernel::depth_ = 0;

// --- memory -----------------------------------------------------------------------------------

constexpr double kMiB = 1024.0 * 1024.0;

// Gives every block back at once: what is reserved is what is allocated.
class Memory final : public c10::DeviceAllocator {
 public:
  std::atomic<int64_t> capacity{int64_t{8} << 30};

  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, the_npu};
    const int64_t held = current_ += static_cast<int64_t>(bytes);
    if (held > capacity) {
      current_ -= static_cast<int64_t>(bytes);
      refuse(bytes);
    }
    peak_ = std::max(peak_.load(), held);
    auto* block = new Block{::operator new(bytes, std::align_val_t{64}), bytes};
    return {block->data, block, &Memory::release, the_npu};
  }

  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}

  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
    c10::CachingDeviceAllocator::DeviceStats stats;
    constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    for (auto* bytes : {&stats.allocated_bytes[all], &stats.reserved_bytes[all]}) {
      bytes->current = current_;
      bytes->peak = peak_;
    }
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override { peak_ = current_.load(); }
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex) override {
    return {capacity - current_, capacity};
  }

 private:
  struct Block {
    void* data;
    size_t bytes;
  };

  // The words are torch_npu's, which is what perfgate has to understand.
  [[noreturn]] void refuse(size_t bytes) const {
    TORCH_CHECK(false, "NPU out of memory. Tried to allocate ", bytes / kMiB, " MiB (NPU 0; ",
                capacity / kMiB, " MiB total capacity; ", current_ / kMiB,
                " MiB already allocated; ", (capacity - current_) / kMiB, " MiB free)");
  }

  static void release(void* context) {
    auto* block = static_cast<Block*>(context);
    current_ -= static_cast<int64_t>(block->bytes);
    ::operator delete(block->data, std::align_val_t{64});
    delete block;
  }

  static std::atomic<int64_t> current_;
  static std::atomic<int64_t> peak_;
};

std::atomic<int64_t> Memory::current_{0};
std::atomic<int64_t> Memory::peak_{0};
Memory memory;
REGISTER_ALLOCATOR(kNpu, &memory);

// --- device, stream and events ----------------------------------------------------------------

// An event is the moment at which the device reaches it.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kNpu; }
  c10::Device exchangeDevice(c10::Device) const override { return the_npu; }
  c10::Device getDevice() const override { return the_npu; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::DeviceIndex deviceCount() const noexcept override { return kDevices; }

  c10::Stream getStream(c10::Device) const override {
    return c10::Stream(c10::Stream::DEFAULT, the_npu);
  }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream getNewStream(c10::Device device, int) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  bool queryStream(const c10::Stream&) const override {
    return queue.reaches_now_at_ns() <= host_ns();
  }
  void synchronizeStream(const c10::Stream&) const override { queue.synchronise(); }
  void synchronizeDevice(c10::DeviceIndex) const override { queue.synchronise(); }

  void record(void** event, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {
    if (*event == nullptr) *event = new int64_t;
    *static_cast<int64_t*>(*event) = queue.reaches_now_at_ns();
  }
  void destroyEvent(void* event, c10::DeviceIndex) const noexcept override {
    delete static_cast<int64_t*>(event);
  }
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void* event) const override { return *static_cast<int64_t*>(event) <= host_ns(); }
  void synchronizeEvent(void*) const override { queue.synchronise(); }
  double elapsedTime(void* from, void* to, c10::DeviceIndex) const override {
    return static_cast<double>(*static_cast<int64_t*>(to) - *static_cast<int64_t*>(from)) / 1e6;
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return kDevices; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  at::Device getDeviceFromPtr(void*) const override { return the_npu; }
  at::Allocator* getPinnedMemoryAllocator() const override { return at::getCPUAllocator(); }

  // Random operators run on the CPU too, and so with its generators.
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    return at::detail::getDefaultCPUGenerator();
  }
  at::Generator getNewGenerator(c10::DeviceIndex) const override {
    return at::detail::createCPUGenerator();
  }

  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t bytes) const override {
    auto* held = storage.unsafeGetStorageImpl();
    auto grown = memory.allocate(bytes);
    if (held->nbytes() > 0) std::memcpy(grown.get(), held->data(), std::min(bytes, held->nbytes()));
    held->set_data_ptr_noswap(std::move(grown));
    held->set_nbytes(bytes);
  }
};

Hooks hooks;
const bool hooked = (at::RegisterPrivateUse1HooksInterface(&hooks), true);

// --- operators --------------------------------------------------------------------------------

using Sizes = c10::SymIntArrayRef;
template <typename T>
using Maybe = std::optional<T>;

// Few of Ascend's operators take complex numbers, so that a workload does without them.
c10::ScalarType real_dtype(Maybe<c10::ScalarType> dtype) {
  const auto real = c10::dtype_or_default(dtype);
  TORCH_CHECK(!c10::isComplexType(real), "the stand-in npu has no complex numbers");
  return real;
}

at::Tensor empty(at::IntArrayRef size, Maybe<c10::ScalarType> dtype, Maybe<c10::Layout>,
                 Maybe<c10::Device>, Maybe<bool>, Maybe<c10::MemoryFormat> format) {
  return at::detail::empty_generic(size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   real_dtype(dtype), format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, Maybe<c10::ScalarType> dtype,
                         Maybe<c10::Layout>, Maybe<c10::Device>, Maybe<bool>) {
  return at::detail::empty_strided_generic(size, stride, &memory,
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           real_dtype(dtype));
}

// The same memory, called a CPU tensor.
at::Tensor on_host(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(),
                       tensor.options().device(at::kCPU).requires_grad(false));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool /*non_blocking*/) {
  if (to.is_cpu()) {
    if (!Kernel::running()) queue.wait();
    on_host(to).copy_(on_host(from));
  } else {
    const Kernel kernel;
    on_host(to).copy_(on_host(from));
  }
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  if (to.sizes() != from.sizes()) to.resize_(from.sizes());
  return copy_from(from, to, false);
}

at::Scalar local_scalar_dense(const at::Tensor& tensor) {
  if (!Kernel::running()) queue.wait();
  return on_host(tensor).item();
}

const at::Tensor& resize_(const at::Tensor& tensor, Sizes size, Maybe<c10::MemoryFormat> format) {
  return at::native::resize_(tensor, C10_AS_INTARRAYREF_SLOW(size), format);
}

at::Tensor as_strided(const at::Tensor& tensor, Sizes size, Sizes stride, Maybe<c10::SymInt> offset) {
  const auto begin = offset ? Maybe<int64_t>(offset->expect_int()) : std::nullopt;
  return at::native::as_strided_tensorimpl(tensor, C10_AS_INTARRAYREF_SLOW(size),
                                           C10_AS_INTARRAYREF_SLOW(stride), begin);
}

at::Tensor view(const at::Tensor& tensor, Sizes size) {
  return at::native::view(tensor, C10_AS_INTARRAYREF_SLOW(size));
}

at::Tensor reshape_alias(const at::Tensor& tensor, Sizes size, Sizes stride) {
  return at::native::_reshape_alias(tensor, C10_AS_INTARRAYREF_SLOW(size),
                                    C10_AS_INTARRAYREF_SLOW(stride));
}

// torch hands a backend outside of it every convolution whole, and has no fallback for it.
at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight,
                       const Maybe<at::Tensor>& bias, Sizes stride, Sizes padding, Sizes dilation,
                       bool transposed, Sizes output_padding, c10::SymInt groups) {
  const Kernel kernel;
  const auto host_bias = bias && bias->defined() ? Maybe<at::Tensor>(on_host(*bias)) : std::nullopt;
  return at::convolution_symint(on_host(input), on_host(weight), host_bias, stride, padding, dilation,
                                transposed, output_padding, groups)
      .to(input.device());
}

void any_other(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const Kernel kernel;
  at::native::cpu_fallback(op, stack);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("_copy_from", copy_from);
  m.impl("_copy_from_and_resize", copy_from_and_resize);
  m.impl("_local_scalar_dense", local_scalar_dense);
  m.impl("resize_", resize_);
  m.impl("as_strided", as_strided);
  m.impl("view", view);
  m.impl("_reshape_alias", reshape_alias);
  m.impl("convolution_overrideable", convolution);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&any_other>());
}

// What torch.npu and the tests set and read, as torch.ops.fake_npu.<name>.
TORCH_LIBRARY(fake_npu, m) {
  m.def("device_count", []() -> int64_t { return kDevices; });
  m.def("kernels", []() -> int64_t { return queue.kernels; });
  m.def("synchronises", []() -> int64_t { return queue.synchronises; });
  m.def("set_kernel_us", [](int64_t us) { queue.kernel_ns = us * 1000; });
  m.def("set_capacity", [](int64_t bytes) { memory.capacity = bytes; });
}

}  // namespace
