"""How long does translating a batch take? Greedy search and beam search: ours, PyTorch's, and the floor.

    python -m tests.benchmarks.decoding --size M L --beam 1 5

Both cache the keys and translate all sentences side by side for as many steps as a target of the size is long; with
random weights hardly a sentence ends by itself. The floor is nothing but the matrix products, tanh and exp.
"""

import argparse
import json
import statistics
import sys

import numpy as np

from tests.benchmarks.contenders import SIZES, make_model, random_batch
from tests.benchmarks.measure import interleaved, kernel, table, worker

MODULE = "tests.benchmarks.decoding"


def work(size: str, beam: int, seconds: float, threads: int) -> dict:
    """Time both, after checking that they find translations of the same log-probability."""
    import torch

    from minis2s.decoding.beam import beam_search
    from minis2s.decoding.greedy import greedy
    from minis2s.threads_and_memory import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(threads)
    B, S, T, E, H, V = SIZES[size]
    model, source = make_model(E, H, V), random_batch(B, S, T, V, "ragged").source
    model.output.b[2] = -20.0  # the end sign: no sentence ends before T, so both do the same work
    strong = pytorch(model, source, beam, T)

    def ours() -> list[float]:
        found = greedy(model, source, T) if beam == 1 else beam_search(model, source, beam, T)
        return [hypothesis.log_probability for hypothesis in found]

    with torch.inference_mode():
        np.testing.assert_allclose(ours(), strong(), rtol=1e-4)
        contenders = {"ours": ours, "strong": strong, "floor": floor(model, source, beam, T)}
        return {"times": interleaved(contenders, seconds), "tokens": B * T}


def floor(model, source, beam: int, T: int):
    """Return what stands in for a search: the products, tanh and exp of ours, into buffers made beforehand."""
    (B, S), N, T = source.mask.shape, len(source.rows), T + 1
    V, E, H = model.config.target_vocabulary, model.config.embedding, model.config.hidden
    rng, R = np.random.default_rng(0), B * beam

    def random(*shape: int) -> np.ndarray:
        return rng.uniform(-0.1, 0.1, shape).astype(model.output.W.dtype)

    x, a_x, h, gates, u = random(N, E), random(3, N, H), random(R, H), random(3, R, H), random(3, R, H)
    both, q, score, alpha = random(R, E + H), random(R, H), random(R, S), random(R, 1, S)
    memory, hidden, context, logits = random(R, S, H), random(R, S, H), random(R, 1, H), random(R, V)
    W_x, W_h, W_yc, W_q, W, v = (
        random(*shape) for shape in ((3, E, H), (3, H, H), (3, E + H, H), (H, H), (H, V), (H,))
    )
    dot, tanh, exp = np.matmul, np.tanh, np.exp

    def search() -> None:
        dot(x, W_x, out=a_x)
        for n in source.batch_sizes:
            dot(h[:n], W_h, out=u[:, :n])
            tanh(gates[:, :n], out=gates[:, :n])
        dot(memory[:B].reshape(-1, H), W_q, out=hidden[:B].reshape(-1, H))
        for _ in range(T):
            dot(h, W_q, out=q)
            tanh(memory, out=hidden)
            dot(hidden.reshape(-1, H), v, out=score.reshape(-1))
            exp(score, out=alpha[:, 0])
            dot(alpha, memory, out=context)
            dot(both, W_yc, out=gates)
            dot(h, W_h, out=u)
            tanh(gates, out=gates)
            dot(h, W, out=logits)
            exp(logits, out=logits)

    return search


def pytorch(model, source, beam: int, T: int):
    """Return the search in PyTorch: keys once, every beam of every sentence a row of one batch."""
    import torch
    from torch import nn

    from minis2s.data.vocabulary import BOS
    from tests.pytorch import twin

    module = twin(model).float()
    cell, attention = module.decoder.cell, module.decoder.attention
    ids, mask = torch.from_numpy(source.ids), torch.from_numpy(source.mask)
    B, rows = len(ids), torch.arange(len(ids))
    groups = torch.arange(B)[:, None] * beam

    def search() -> list[float]:
        memory, _ = module.encoder.cell(module.encoder.embedding(ids))
        s = memory[rows, mask.sum(1) - 1]
        keys, real = attention.W_k(memory), mask
        if beam > 1:
            s, memory, keys, real = (part.repeat_interleave(beam, 0) for part in (s, memory, keys, mask))
        previous = torch.full((B * beam,), BOS)
        score = torch.full((B, beam), -torch.inf)
        score[:, 0] = 0
        for step in range(T + 1):  # ours, too, takes one step more, to see whether the sentence ends there
            e = attention.v(torch.tanh(keys + attention.W_q(s)[:, None]))[..., 0]
            alpha = e.masked_fill(~real, -torch.inf).softmax(-1)
            context = (alpha[:, None] @ memory)[:, 0]
            s = cell(torch.cat([module.embedding(previous), context], -1), s)
            log_p = nn.functional.log_softmax(module.output(s), -1)
            if step == T:
                break
            if beam == 1:
                best, previous = log_p.max(-1)
                score += best[:, None]
            else:
                total = (score.reshape(-1, 1) + log_p).reshape(B, -1)
                score, chosen = total.topk(beam)
                parent = (groups + chosen // log_p.shape[1]).ravel()
                previous, s = (chosen % log_p.shape[1]).ravel(), s[parent]
        return score[:, 0].tolist()

    return search


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["M", "L"])
    parser.add_argument("--beam", nargs="+", type=int, default=[1, 5])
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(work(**args.worker)))
        return
    print(kernel(), file=sys.stderr)
    rows = []
    for size in args.size:
        for beam in args.beam:
            for threads in args.threads:
                done = worker(MODULE, threads, size=size, beam=beam, seconds=args.seconds)
                rows += [
                    {
                        "size": size,
                        "threads": threads,
                        "beam": beam,
                        "contender": name,
                        "min_ms": min(times),
                        "median_ms": statistics.median(times),
                        "ratio_to_ours": min(times) / min(done["times"]["ours"]),
                        "tokens_per_s": round(1000 * done["tokens"] / min(times)),
                    }
                    for name, times in done["times"].items()
                ]
    print(json.dumps(rows) if args.json else table(rows))


if __name__ == "__main__":
    main()
