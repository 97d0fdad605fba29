// causal_conv1d_update for CPUs: each row's history, tokens and state are touched once.
//
// Memory is the limit (less than one operation a byte), so history and weights of a few channels
// stay in registers while the row's tokens pass through them. History is loaded before any of it
// is stored, and a token before its output, which may lie in the same place.

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/cpu/vec/functional.h>
#include <ATen/cpu/vec/vec.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/utils/pybind.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace {

using at::vec::Vectorized;
using Floats = Vectorized<float>;

constexpr int64_t kChannelsAtOnce = 8192;  // weights come from the second-level cache in time
constexpr int64_t kGrain = 32768;          // values below which another thread costs more

// What all rows have in common; strides in values.
struct Layout {
  int64_t tokens, columns;
  int64_t x_channel, x_token;
  int64_t out_channel, out_token;
  int64_t state_channel, state_column;
  int64_t channels;
  bool circular, silu;

  // Where the token after the one in `column` is written.
  int64_t after(int64_t column) const {
    return circular && column + 1 == columns ? 0 : column + 1;
  }
};

// A row: where it lies, and which columns of its slot are read and written.
template <typename T, int W>
struct Row {
  const T* x;
  T* out;
  T* state;
  std::array<int64_t, W - 1> from;  // columns of the history
  int64_t shift;                    // history i moves to column i - shift, if there is one
  int64_t to;                       // column of the first token; none where negative
};

// As many floats as a register of T holds values.
template <typename T>
struct Wide {
  static constexpr int64_t parts = Vectorized<T>::size() / Floats::size();
  std::array<Floats, parts> part;

  static Wide zero() {
    Wide wide;
    wide.part.fill(Floats(0.0F));
    return wide;
  }

  static Wide of(const Vectorized<T>& values) {
    if constexpr (std::is_same_v<T, float>) {
      return {{values}};
    } else {
      auto [low, high] = at::vec::convert_to_float<T>(values);
      return {{low, high}};
    }
  }

  static C10_ALWAYS_INLINE Wide load(const float* from, int64_t count) {
    Wide wide = zero();
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t here = std::clamp<int64_t>(count - i * Floats::size(), 0, Floats::size());
      if (here > 0) wide.part[i] = Floats::loadu(from + i * Floats::size(), here);
    }
    return wide;
  }

  Vectorized<T> narrow() const {
    if constexpr (std::is_same_v<T, float>) {
      return part[0];
    } else {
      return at::vec::convert_from_float<T>(part[0], part[1]);
    }
  }

  void add_product(const Wide& left, const Wide& right) {
    for (int64_t i = 0; i < parts; ++i) {
      part[i] = at::vec::fmadd(left.part[i], right.part[i], part[i]);
    }
  }

  void silu() {
    for (auto& values : part) values = values / (Floats(1.0F) + values.neg().exp_u20());
  }
};

// `count` channels from `c` on, at most a register of them, whose channels are adjacent in memory.
template <typename T, int W>
C10_ALWAYS_INLINE void few_channels(const Row<T, W>& row, const Layout& at, const float* weight,
                                    const float* bias, int64_t c, int64_t count) {
  using Values = Vectorized<T>;
  T* const state = row.state + c;
  std::array<Values, W - 1> history;
  std::array<Wide<T>, W> window, taps;
  for (int i = 0; i < W - 1; ++i) {
    history[i] = Values::loadu(state + row.from[i] * at.state_column, count);
    window[i] = Wide<T>::of(history[i]);
  }
  for (int i = 0; i < W - 1; ++i) {
    if (i >= row.shift) history[i].store(state + (i - row.shift) * at.state_column, count);
  }
  for (int j = 0; j < W; ++j) taps[j] = Wide<T>::load(weight + j * at.channels + c, count);
  const auto start = bias ? Wide<T>::load(bias + c, count) : Wide<T>::zero();
  int64_t to = row.to;
  for (int64_t t = 0; t < at.tokens; ++t) {
    const auto token = Values::loadu(row.x + t * at.x_token + c, count);
    window[W - 1] = Wide<T>::of(token);
    Wide<T> sum = start;
    for (int j = 0; j < W; ++j) sum.add_product(window[j], taps[j]);
    if (at.silu) sum.silu();
    sum.narrow().store(row.out + t * at.out_token + c, count);
    if (to >= 0) token.store(state + to * at.state_column, count);
    to = at.after(to);
    for (int j = 0; j < W - 1; ++j) window[j] = window[j + 1];
  }
}

template <typename T, int W>
void row_of_vectors(const Row<T, W>& row, const Layout& at, const float* weight, const float* bias,
                    int64_t begin, int64_t end) {
  constexpr int64_t size = Vectorized<T>::size();
  int64_t c = begin;
  for (; c + size <= end; c += size) few_channels<T, W>(row, at, weight, bias, c, size);
  if (c < end) few_channels<T, W>(row, at, weight, bias, c, end - c);
}

// The same one value at a time, for any strides.
template <typename T, int W>
void row_of_values(const Row<T, W>& row, const Layout& at, const float* weight, const float* bias,
                   int64_t begin, int64_t end) {
  for (int64_t c = begin; c < end; ++c) {
    T* const state = row.state + c * at.state_channel;
    std::array<T, W - 1> history;
    std::array<float, W> window;
    for (int i = 0; i < W - 1; ++i) {
      history[i] = state[row.from[i] * at.state_column];
      window[i] = static_cast<float>(history[i]);
    }
    for (int i = 0; i < W - 1; ++i) {
      if (i >= row.shift) state[(i - row.shift) * at.state_column] = history[i];
    }
    int64_t to = row.to;
    for (int64_t t = 0; t < at.tokens; ++t) {
      const T token = row.x[c * at.x_channel + t * at.x_token];
      window[W - 1] = static_cast<float>(token);
      float sum = bias ? bias[c] : 0.0F;
      for (int j = 0; j < W; ++j) sum += window[j] * weight[j * at.channels + c];
      if (at.silu) sum = sum / (1.0F + std::exp(-sum));
      row.out[c * at.out_channel + t * at.out_token] = static_cast<T>(sum);
      if (to >= 0) state[to * at.state_column] = token;
      to = at.after(to);
      for (int j = 0; j < W - 1; ++j) window[j] = window[j + 1];
    }
  }
}

// A number for each row, where there are any: int32 on the CPU.
struct PerRow {
  const int32_t* first = nullptr;
  int64_t stride = 0;

  PerRow(const std::optional<at::Tensor>& numbers, int64_t rows, const char* name) {
    if (!numbers) return;
    TORCH_CHECK(numbers->scalar_type() == at::kInt && numbers->dim() == 1 &&
                    numbers->size(0) == rows && numbers->device().is_cpu(),
                name, " must be int32 of shape (", rows, ") on the CPU");
    first = numbers->const_data_ptr<int32_t>();
    stride = numbers->stride(0);
  }

  int64_t operator[](int64_t row) const { return first[row * stride]; }
};

struct Problem {
  const at::Tensor &x, &out, &state, &weight;
  const float* bias;
  PerRow slots, numbers;
  std::optional<int64_t> pad;  // without it every negative slot is padding
  Layout layout;
  int64_t rows, slot_count, state_slot;
};

template <typename T, int W>
std::optional<Row<T, W>> row_of(const Problem& p, int64_t b) {
  const Layout& at = p.layout;
  const int64_t slot = p.slots.first ? p.slots[b] : b;
  if (p.pad ? slot == *p.pad : slot < 0) return std::nullopt;
  TORCH_CHECK(slot >= 0 && slot < p.slot_count, "slot ", slot, " of ", p.slot_count);
  Row<T, W> row{p.x.const_data_ptr<T>() + b * p.x.stride(0),
                p.out.mutable_data_ptr<T>() + b * p.out.stride(0),
                p.state.mutable_data_ptr<T>() + slot * p.state_slot,
                {},
                at.tokens,
                W - 1 - at.tokens};
  int64_t first = 0;
  if (at.circular) {
    first = (p.numbers[b] - (W - 1)) % at.columns;
    if (first < 0) first += at.columns;
    row.shift = W;
    row.to = (first + W - 1) % at.columns;
  } else if (p.numbers.first) {
    first = p.numbers[b] - 1;
    TORCH_CHECK(first >= 0 && first < at.tokens, first + 1, " of ", at.tokens, " tokens accepted");
    row.shift = 1;
    row.to = W - 2;
  }
  for (int i = 0; i < W - 1; ++i) {
    row.from[i] = at.circular ? (first + i) % at.columns : first + i;
  }
  return row;
}

template <typename T, int W>
void run(const Problem& p) {
  const Layout& at = p.layout;
  const bool adjacent = at.x_channel == 1 && at.out_channel == 1 && at.state_channel == 1;
  const float* weight = p.weight.const_data_ptr<float>();
  const int64_t blocks = (at.channels + kChannelsAtOnce - 1) / kChannelsAtOnce;
  const int64_t grain = std::max<int64_t>(1, kGrain / (kChannelsAtOnce * at.tokens));
  at::parallel_for(0, blocks * p.rows, grain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const auto row = row_of<T, W>(p, i % p.rows);
      if (!row) continue;
      const int64_t begin = i / p.rows * kChannelsAtOnce;
      const int64_t end = std::min(begin + kChannelsAtOnce, at.channels);
      if (adjacent) {
        row_of_vectors<T, W>(*row, at, weight, p.bias, begin, end);
      } else {
        row_of_values<T, W>(*row, at, weight, p.bias, begin, end);
      }
    }
  });
}

template <typename T>
void run_width(const Problem& p) {
  switch (p.weight.size(0)) {
    case 2: return run<T, 2>(p);
    case 3: return run<T, 3>(p);
    case 4: return run<T, 4>(p);
    case 5: return run<T, 5>(p);
    case 6: return run<T, 6>(p);
    default: TORCH_CHECK(false, "the weight has ", p.weight.size(0), " taps, not 2 to 6");
  }
}

void run_type(const Problem& p) {
  switch (p.x.scalar_type()) {
    case at::kFloat: return run_width<float>(p);
    case at::kBFloat16: return run_width<at::BFloat16>(p);
    case at::kHalf: return run_width<at::Half>(p);
    default: TORCH_CHECK(false, "x is of a type that this kernel does not know");
  }
}

// `weight` is fp32 of (W, D). `numbers` are tokens so far in a ring, and accepted tokens otherwise.
// Channels last, the output is x.
at::Tensor update(const at::Tensor& x, const at::Tensor& state, const at::Tensor& weight,
                  const std::optional<at::Tensor>& bias, bool silu,
                  const std::optional<at::Tensor>& slots, std::optional<int64_t> pad,
                  const std::optional<at::Tensor>& numbers, bool circular, bool last) {
  TORCH_CHECK(x.device().is_cpu() && state.device().is_cpu(), "x and state must be on the CPU");
  TORCH_CHECK(x.dim() == 2 || x.dim() == 3, "x has ", x.dim(), " dimensions");
  TORCH_CHECK(state.dim() == 3 && state.scalar_type() == x.scalar_type(),
              "the state must have three dimensions and x's type");
  const bool one = x.dim() == 2;
  const int64_t channel = last && !one ? 2 : 1, token = last ? 1 : 2;
  const int64_t state_channel = last ? 2 : 1, state_column = last ? 1 : 2;
  const int64_t channels = x.size(channel), tokens = one ? 1 : x.size(token), rows = x.size(0);
  const int64_t taps = weight.size(0), columns = state.size(state_column);
  TORCH_CHECK(weight.scalar_type() == at::kFloat && weight.is_contiguous() &&
                  weight.size(1) == channels,
              "weights must be fp32 of shape (W, D)");
  TORCH_CHECK(state.size(state_channel) == channels, "x and state differ in channels");
  TORCH_CHECK(slots || rows <= state.size(0), "more rows than slots");
  TORCH_CHECK(numbers || !circular, "a ring needs the tokens so far");
  const int64_t in_ring = std::max(taps - 1, tokens);
  const int64_t in_slot = taps - 1 + (numbers ? tokens - 1 : 0);
  const int64_t needed = circular ? in_ring : in_slot;
  TORCH_CHECK(columns >= needed, "the state has ", columns, " columns of ", needed);
  at::Tensor wide_bias;
  if (bias) wide_bias = bias->to(at::kFloat).contiguous();
  TORCH_CHECK(!bias || wide_bias.numel() == channels, "the bias must have shape (D)");
  const at::Tensor out = last ? x : at::empty_like(x);
  const Layout layout{tokens,
                      columns,
                      x.stride(channel),
                      one ? 0 : x.stride(token),
                      out.stride(channel),
                      one ? 0 : out.stride(token),
                      state.stride(state_channel),
                      state.stride(state_column),
                      channels,
                      circular,
                      silu};
  run_type({x, out, state, weight, bias ? wide_bias.const_data_ptr<float>() : nullptr,
            PerRow(slots, rows, "slots"), PerRow(numbers, rows, "numbers of tokens"), pad, layout,
            rows, state.size(0), state.stride(0)});
  return out;
}

}  // namespace

PYBIND11_MODULE(PERFGATE_MODULE, module) {
  module.def("update", &update, pybind11::call_guard<pybind11::gil_scoped_release>());
}
