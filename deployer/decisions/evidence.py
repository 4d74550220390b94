"""Pure: counts of two versions in, evidence out that the new one fails more often.

A release is checked many times, and each check may blame it. Its errors are therefore judged by an e-process. For a
good release, over any number of checks, the evidence exceeds a number n with a probability of at most 1/n.

Sources: J. Ville, Étude critique de la notion de collectif (1939), for that inequality. H. Robbins, Statistical methods
related to the law of the iterated logarithm, Ann. Math. Stat. 41 (1970), for evidence by a mixture of alternatives.
L. Wasserman, A. Ramdas, S. Balakrishnan, Universal inference, PNAS 117 (2020), for comparing the mixture with the best
explanation that the hypothesis has. M. Lindon, A. Malek, Anytime-valid inference for multinomial count data, NeurIPS
(2022), for using it on counts of traffic.
"""

import math

from deployer.model.health import Traffic

_CANARY_PRIORS = ((0.9, 1.0, 3.0), (0.1, 3.0, 0.3))
"""Shares of bad releases, each with a beta distribution of their error rates: most fail sometimes, some always."""
_STABLE_PRIOR = (0.25, 50.0)
"""A beta distribution of the error rates of versions in use: 0.5 % in the mean."""
_CREDIT = 5
"""Good calls of the stable version that count in addition to those seen, because it was judged healthy before."""
_CREDITED_RATE = 0.05
"""Up to this error rate of the stable version the credit costs the guarantee nothing."""
_FEWEST_ERRORS = 2
"""One failed call is never evidence, at any stable rate."""


def evidence(canary: Traffic, stable: Traffic, allowance: float) -> float:
    """Return the evidence that the new version fails more often than the stable one and the allowance together.

    It is the natural logarithm of a ratio of two likelihoods of the counts. Above is that under a mixture of all pairs
    of error rates, below that under the best pair within the allowance. The allowance is in percentage points; the
    counts are those since the stage began. The stable version's rate is an estimate too: with fewer calls, the evidence
    is smaller.
    """
    if not suspicious(canary, stable, allowance):
        return 0.0
    expected = [math.log(share) + _predicted(canary, *prior) for share, *prior in _CANARY_PRIORS]
    mixture = _log_sum(expected) + _predicted(stable, *_STABLE_PRIOR)
    return mixture - _best_within(canary, stable, allowance / 100)


def suspicious(canary: Traffic, stable: Traffic, allowance: float) -> bool:
    """Return whether the new version has several errors, and more than the allowance permits, be it by chance."""
    return canary.errors >= _FEWEST_ERRORS and canary.error_rate > stable.error_rate + allowance


def _predicted(seen: Traffic, failing: float, passing: float) -> float:
    """Return the log likelihood of the counts, averaged over a beta distribution of error rates."""
    return _log_beta(failing + seen.errors, passing + seen.successes) - _log_beta(failing, passing)


def _log_sum(logarithms: list[float]) -> float:
    """Return the logarithm of a sum whose terms, given as logarithms, may be too small for a float."""
    largest = max(logarithms)
    return largest + math.log(sum(math.exp(one - largest) for one in logarithms))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _best_within(canary: Traffic, stable: Traffic, allowance: float) -> float:
    """Return the log likelihood of the counts under the pair of rates within the allowance that explains them best.

    The log likelihood is concave and the observed rates are outside the allowance. So the best pair lies on its edge,
    where the new version's rate is the stable one's plus the allowance: one unknown, found by bisection.
    """
    low, high = 0.0, 1.0 - allowance
    passed = stable.successes + _CREDIT
    for _ in range(40):
        rate = (low + high) / 2
        rises = _per(stable.errors, rate) + _per(canary.errors, rate + allowance)
        falls = _per(passed, 1 - rate) + _per(canary.successes, 1 - rate - allowance)
        low, high = (rate, high) if rises > falls else (low, rate)
    likely = _log(stable.errors, low) + _log(passed, 1 - low) - _log(_CREDIT, 1 - _CREDITED_RATE)
    return likely + _log(canary.errors, low + allowance) + _log(canary.successes, 1 - low - allowance)


def _per(count: int, share: float) -> float:
    return count / share if count else 0.0


def _log(count: int, share: float) -> float:
    return count * math.log(share) if count else 0.0
