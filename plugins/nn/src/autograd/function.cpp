// A place in libtorch's autograd for a function whose forward and backward are written in Rust. The other side, with the contract of
// every pointer, is ../autograd.rs.

#include <torch/csrc/autograd/custom_function.h>

#include <cstring>
#include <new>
#include <string>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

extern "C" {

// A Rust closure. `call` writes a new tensor or null for every input, and returns null or a message that `free_message` frees.
struct RecsysBackward {
  void *data;
  char *(*call)(void *data, at::Tensor **saved, size_t n_saved, at::Tensor *grad, at::Tensor **grads, size_t n_grads);
  void (*free_message)(char *message);
  void (*release)(void *data);
};
}

namespace {

struct Backward : torch::CustomClassHolder {
  RecsysBackward function;
  explicit Backward(RecsysBackward function) : function(function) {}
  ~Backward() override { function.release(function.data); }
};

struct Call {
  c10::intrusive_ptr<Backward> backward;
  at::Tensor output;
  variable_list saved;
};

struct RustFunction : torch::autograd::Function<RustFunction> {
  static at::Tensor forward(AutogradContext *context, at::TensorList inputs, Call &call) {
    context->save_for_backward(call.saved);
    context->saved_data["n_inputs"] = static_cast<int64_t>(inputs.size());
    context->saved_data["backward"] = c10::IValue::make_capsule(call.backward);
    return call.output;
  }

  static variable_list backward(AutogradContext *context, variable_list grads) {
    TORCH_CHECK(!at::GradMode::is_enabled(),
                "a fused kernel has no second derivative (create_graph=true); use the layer's plain path for it");
    auto capsule = context->saved_data["backward"].toCapsule();
    const auto &function = static_cast<Backward *>(capsule.get())->function;
    variable_list saved = context->get_saved_variables();
    std::vector<at::Tensor *> pointers;
    for (auto &tensor : saved) pointers.push_back(&tensor);
    std::vector<at::Tensor *> made(context->saved_data["n_inputs"].toInt(), nullptr);
    char *message =
        function.call(function.data, pointers.data(), pointers.size(), &grads[0], made.data(), made.size());
    variable_list gradients;
    for (auto *tensor : made) {
      gradients.push_back(tensor ? *tensor : at::Tensor());
      delete tensor;
    }
    if (message) {
      std::string text(message);
      function.free_message(message);
      TORCH_CHECK(false, text);
    }
    // `call` is an argument of forward as well.
    gradients.emplace_back();
    return gradients;
  }
};

} // namespace

extern "C" {

// Gives `output`, which forward computed from `inputs`, a gradient function. Returns null or a message to be freed with
// `recsys_free_message`. Takes `function` over in either case.
char *recsys_autograd(at::Tensor **inputs, size_t n_inputs, at::Tensor **saved, size_t n_saved, at::Tensor *output,
                      RecsysBackward function, at::Tensor **result) {
  try {
    Call call{c10::make_intrusive<Backward>(function), *output, {}};
    for (size_t i = 0; i < n_saved; i++) call.saved.push_back(*saved[i]);
    variable_list arguments;
    for (size_t i = 0; i < n_inputs; i++) arguments.push_back(*inputs[i]);
    *result = new at::Tensor(RustFunction::apply(at::TensorList(arguments), call));
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}

void recsys_free_message(char *message) { free(message); }

bool recsys_grad_enabled() { return at::GradMode::is_enabled(); }
}
