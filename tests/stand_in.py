"""A device that is none: tensors on it hold CPU tensors, and refuse what a GPU refuses.

No machine that tests this book need have a GPU. Inside ``stand_in_device()`` there is a device of
the name ``stand_in``. Every operation on its tensors is computed on the CPU, with the same random
numbers, so that results equal the CPU's. It refuses

- to mix its tensors with CPU tensors of one dimension or more, as CUDA does (copies and CPU indices
  are allowed there too);
- a CPU generator for numbers that are drawn on it, as CUDA does;
- ``.numpy()`` and ``numpy.asarray``, as every device but the CPU does;
- to hold float64, as Apple's GPU does.

It says nothing about speed, memory, bfloat16, operations that a real device lacks, or rounding.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import _pytree, backend_registration
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

NAME = "stand_in"
aten = torch.ops.aten
COPIES = (aten.copy_.default, aten._to_copy.default)
INDEXED = (
    aten.index.Tensor,
    aten.index_put.default,
    aten.index_put_.default,
    aten._index_put_impl_.default,
)


class _Module:
    """What PyTorch asks of a device's module, ``torch.cuda`` being one."""

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def _lazy_init(self) -> None:
        pass

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """Do nothing: its random numbers are the CPU's."""

    def get_rng_state(self, device: object) -> torch.Tensor:
        return torch.empty(0)

    def set_rng_state(self, state: torch.Tensor, device: object) -> None:
        """Do nothing either."""

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


def _register() -> None:
    """Tell PyTorch of the device; once in a process."""
    if torch._C._get_privateuse1_backend_name() != NAME:
        backend_registration._setup_privateuseone_for_python_backend(NAME, _Module())
        torch.serialization.add_safe_globals([_restored])
        # torch.tensor(…, device=…) looks at no mode.
        _LIBRARY.impl("empty_strided", _empty, "PrivateUse1")
        _LIBRARY.impl("_copy_from", _copy_from, "PrivateUse1")


_LIBRARY = torch.library.Library("aten", "IMPL")


def _empty(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
    return StandIn(torch.empty_strided(size, stride, dtype=dtype))


def _copy_from(source, target, non_blocking=False):
    target.held.copy_(source)
    return target


class StandIn(torch.Tensor):
    """A tensor on the stand-in, holding a CPU tensor."""

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "StandIn":
        if held.dtype in (torch.float64, torch.complex128):
            raise TypeError(f"the stand-in holds no {held.dtype}, as Apple's GPU does not.")
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(NAME, 0),
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _computed(function, args, kwargs or {})

    def numpy(self, *, force: bool = False):
        if force:
            return self.held.numpy(force=True)
        raise TypeError(
            f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy "
            "the tensor to host memory first."
        )

    def __array__(self, dtype=None, copy=None):
        return self.numpy()

    def tolist(self) -> list:
        return self.held.tolist()

    def __repr__(self, **_) -> str:
        return f"StandIn({self.held!r})"

    def __deepcopy__(self, memo: dict) -> "StandIn":
        made = self.detach().clone().requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            made._is_param = True
        return memo.setdefault(id(self), made)

    def __reduce_ex__(self, protocol: int) -> tuple:
        return _restored, (self.held, self.requires_grad, isinstance(self, torch.nn.Parameter))


def _restored(held: torch.Tensor, requires_grad: bool, is_parameter: bool) -> torch.Tensor:
    """Bring a tensor from a file back to where it was, or to the CPU, which may be asked for."""
    asked = torch.serialization._serialization_tls.map_location
    made = held if asked == "cpu" else StandIn(held)
    made.requires_grad_(requires_grad)
    return torch.nn.Parameter(made, requires_grad) if is_parameter else made


class _Mode(TorchDispatchMode):
    """Catches what makes tensors on the stand-in from none."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _computed(function, args, kwargs or {})


def _computed(function, args: tuple, kwargs: dict):
    target = kwargs.get("device")
    target = None if target is None else torch.device(target)
    tensors = [v for v in _pytree.tree_leaves((args, kwargs)) if isinstance(v, torch.Tensor)]
    here = any(isinstance(v, StandIn) for v in tensors)
    there = here if target is None else target.type == NAME
    if not here and not there:
        return function(*args, **kwargs)
    if function.overloadpacket is aten.to:
        with _Mode():
            return function.decompose(*args, **kwargs)
    if function not in COPIES:
        _refuse_mixed(function, args, kwargs)
    if there and kwargs.get("generator") is not None:
        raise RuntimeError(
            f"Expected a '{NAME}' device type for generator but found 'cpu' in {function}"
        )
    if there and kwargs.get("dtype") is torch.float64:
        raise TypeError(f"{function}: the stand-in holds no float64, as Apple's GPU does not.")
    plain_args, plain_kwargs = _pytree.tree_map_only(StandIn, lambda v: v.held, (args, kwargs))
    if target is not None:
        plain_kwargs["device"] = torch.device("cpu") if there else target
    if function is aten._to_copy.default and here != there:
        plain_kwargs["dtype"] = plain_kwargs.get("dtype") or args[0].dtype
        found = function(*plain_args, **plain_kwargs)
        return StandIn(found) if there else found
    found = function(*plain_args, **plain_kwargs)
    if function is aten.copy_.default:
        return args[0]
    if not there:
        return found
    # What is computed in inference mode is no inference tensor when it is a view of another.
    plain = any(
        isinstance(v, torch.Tensor) and v.is_inference() for v in _pytree.tree_leaves(found)
    )
    with torch.inference_mode(plain):
        wrapped = _pytree.tree_map_only(torch.Tensor, StandIn, found)
    return return_and_correct_aliasing(function, args, kwargs, wrapped)


def _refuse_mixed(function, args: tuple, kwargs: dict) -> None:
    checked = (args, kwargs)
    if function in INDEXED and isinstance(args[0], StandIn):
        checked = (args[0], args[2:], kwargs)
    for value in _pytree.tree_leaves(checked):
        if isinstance(value, torch.Tensor) and not isinstance(value, StandIn) and value.ndim:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{NAME}:0 and cpu! ({function})"
            )


@contextmanager
def stand_in_device() -> Iterator[str]:
    """Give the device of the name ``stand_in`` inside the block."""
    _register()
    swapped = torch.__future__.get_swap_module_params_on_conversion()
    # A module's parameters take the class of the tensors they become.
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        # Backward passes stay in this thread: PyTorch starts no other for a device this late.
        with torch.autograd.set_multithreading_enabled(False), _Mode():
            yield NAME
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swapped)
