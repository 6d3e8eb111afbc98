"""The guard of what a request costs."""

from bench.guard import TOLERANCE, cost, judge


def test_a_request_costs_some_turns_of_the_fixed_loop(tmp_path):
    """The whole way of a request runs inside the measured process, again and again."""
    assert 2 < cost(tmp_path, counted=False, rounds=2) < 200


def test_a_cost_within_the_limit_is_good(capsys):
    """The text says by how much it differs."""
    assert judge(10.0 * (1 + TOLERANCE), 10.0)
    assert "+10.0%" in capsys.readouterr().out


def test_a_cost_past_the_limit_is_not(capsys):
    """The text says what to do."""
    assert not judge(11.2, 10.0)
    assert "--update" in capsys.readouterr().out


def test_without_a_number_there_is_nothing_to_hold_it_against(capsys):
    """Another Python takes other steps; its number is written when somebody wants it."""
    assert judge(10.0, None)
    assert "no committed number" in capsys.readouterr().out
