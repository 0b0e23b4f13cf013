"""What we may do: tiers, rules, levers, privacy, injection, roles. Pure: text and values in, verdicts out.

A model's words are advice; what this room says is what counts. A verdict starts at what its tier allows and can only become
narrower: nothing here, and nothing that the desk does later, widens it.
"""

from appliance.policy.errors import PolicyError
from appliance.policy.format import default_policy, load
from appliance.policy.judge import Question, judge, narrow
from appliance.policy.model import Policy, Rule, Team, Template

__all__ = ["Policy", "PolicyError", "Question", "Rule", "Team", "Template", "default_policy", "judge", "load", "narrow"]
