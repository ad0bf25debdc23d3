//! The promises of retention, for any sets, and one sum worked out by hand.
use super::*;
use proptest::prelude::*;

const POLICY: Policy = Policy { days: 30, months: 12, years: 10 };
const DAY: i64 = 86400;

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn daily(count: i64, newest: Timestamp) -> Vec<Set> {
    let at = |n: i64| Timestamp::from_second(newest.as_second() - n * DAY).expect("a time");
    (0..count).map(|n| Set { at: at(n), proof: Proof::None }).collect()
}

/// Daily sets until 2026-01-15, the first of 2023-01-12. The days begin on 2025-12-17: 30 sets. The months begin in December 2024;
/// those of January 2026 and December 2025 (the 31st) are among the days, so 12 more. The years reach back to 2014: 2026, 2025 and
/// 2024 have theirs already, 2023 has one more.
#[test]
fn of_1100_daily_sets_43_stay() {
    let now = time("2026-01-15T12:00:00Z");
    let sets = daily(1100, time("2026-01-15T02:00:00Z"));
    assert_eq!(sets[1099].at, time("2023-01-12T02:00:00Z"));
    let verdicts = decide(&sets, POLICY, now);
    assert_eq!(verdicts.iter().filter(|verdict| verdict.stays()).count(), 30 + 12 + 1);
    let kept_at = |text: &str| {
        let at = sets.iter().position(|set| set.at == time(text)).expect("a set");
        verdicts[at].clone()
    };
    let last_of_2023 = kept_at("2023-12-31T02:00:00Z");
    assert_eq!(last_of_2023.rules, [Rule::Yearly]);
    assert_eq!(last_of_2023.until, Some(time("2035-01-30T00:00:00Z")));
    assert_eq!(kept_at("2025-06-30T02:00:00Z").rules, [Rule::Monthly]);
    assert_eq!(kept_at("2025-12-20T02:00:00Z").until, Some(time("2026-01-19T00:00:00Z")));
}

#[test]
fn the_day_on_which_a_set_falls_is_the_one_that_was_told() {
    let sets = daily(800, time("2026-01-15T02:00:00Z"));
    let verdicts = decide(&sets, POLICY, time("2026-01-15T12:00:00Z"));
    for (at, until) in verdicts.iter().enumerate().skip(1).filter_map(|(at, verdict)| Some((at, verdict.until?))) {
        let second = |n: i64| Timestamp::from_second(until.as_second() + n).expect("a time");
        assert!(decide(&sets, POLICY, second(-1))[at].stays(), "{:?} falls before {until}", sets[at]);
        assert!(!decide(&sets, POLICY, second(0))[at].stays(), "{:?} stays beyond {until}", sets[at]);
    }
}

#[test]
fn what_is_from_the_future_stays_and_is_not_the_newest() {
    let now = time("2026-01-15T12:00:00Z");
    let sets = ["2031-01-01T00:00:00Z", "2020-05-05T00:00:00Z"].map(|text| Set { at: time(text), proof: Proof::None });
    let verdicts = decide(&sets, Policy { days: 1, months: 0, years: 0 }, now);
    assert_eq!(verdicts[0].rules, [Rule::Future]);
    assert_eq!(verdicts[1].rules, [Rule::Newest]);
}

#[test]
fn the_newest_that_was_restored_stays_beside_a_newer_one_that_was_only_read() {
    let now = time("2026-01-15T12:00:00Z");
    let set = |text: &str, proof| Set { at: time(text), proof };
    let sets = [
        set("2026-01-15T00:00:00Z", Proof::None),
        set("2025-12-05T00:00:00Z", Proof::ReadBack),
        set("2025-12-04T00:00:00Z", Proof::Restored),
        set("2025-12-03T00:00:00Z", Proof::Restored),
        set("2025-12-02T00:00:00Z", Proof::ReadBack),
    ];
    let rules = |sets: &[Set]| -> Vec<Vec<Rule>> {
        let verdicts = decide(sets, Policy { days: 1, months: 0, years: 0 }, now);
        verdicts.into_iter().map(|verdict| verdict.rules).collect()
    };
    let kept = rules(&sets);
    assert_eq!(kept[1..], [vec![Rule::NewestVerified], vec![Rule::NewestRestored], vec![], vec![]]);
    assert_eq!(rules(&sets[2..])[0], [Rule::Newest, Rule::NewestVerified, Rule::NewestRestored]);
}

#[test]
fn of_sets_made_at_the_same_time_the_first_is_the_newest_by_every_rule() {
    let now = time("2026-01-15T12:00:00Z");
    let at = Set { at: time("2026-01-15T11:00:00Z"), proof: Proof::Restored };
    let verdicts = decide(&[at; 3], Policy { days: 1, months: 1, years: 1 }, now);
    let all = [Rule::Newest, Rule::NewestVerified, Rule::NewestRestored, Rule::Daily, Rule::Monthly, Rule::Yearly];
    assert_eq!(verdicts[0].rules, all[..verdicts[0].rules.len()]);
    assert_eq!(verdicts.iter().map(Verdict::stays).collect::<Vec<_>>(), [true, false, false]);
}

fn any_set() -> impl Strategy<Value = Set> {
    let proof = prop::sample::select(vec![Proof::None, Proof::ReadBack, Proof::Restored]);
    (0i64..4000 * DAY, proof)
        .prop_map(|(second, proof)| Set { at: Timestamp::from_second(1_500_000_000 + second).expect("a time"), proof })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (0u32..40, 0u32..15, 0u32..12).prop_map(|(days, months, years)| Policy { days, months, years })
}

fn any_now() -> impl Strategy<Value = Timestamp> {
    (0i64..5000 * DAY).prop_map(|second| Timestamp::from_second(1_500_000_000 + second).expect("a time"))
}

proptest! {
    #[test]
    fn the_newest_and_the_newest_verified_and_the_future_stay(
        sets in prop::collection::vec(any_set(), 1..60), policy in any_policy(), now in any_now(),
    ) {
        let verdicts = decide(&sets, policy, now);
        let past = || sets.iter().zip(&verdicts).filter(|(set, _)| set.at <= now);
        let newest = past().map(|(set, _)| set.at).max();
        prop_assert!(newest.is_none_or(|at| past().any(|(set, verdict)| set.at == at && verdict.stays())));
        for proof in [Proof::ReadBack, Proof::Restored] {
            let proved = past().filter(|(set, _)| set.proof >= proof).map(|(set, _)| set.at).max();
            prop_assert!(proved.is_none_or(|at| past().any(|(set, verdict)| set.proof >= proof && set.at == at && verdict.stays())));
        }
        prop_assert!(sets.iter().zip(&verdicts).all(|(set, verdict)| set.at <= now || verdict.rules == [Rule::Future] || verdict.stays()));
    }

    #[test]
    fn an_empty_policy_removes_nothing(sets in prop::collection::vec(any_set(), 0..40), now in any_now()) {
        let verdicts = decide(&sets, Policy { days: 0, months: 0, years: 0 }, now);
        prop_assert!(verdicts.iter().all(Verdict::stays));
    }

    #[test]
    fn one_more_set_never_brings_another_back(
        sets in prop::collection::vec(any_set(), 1..60), more in any_set(), policy in any_policy(), now in any_now(),
    ) {
        let before = decide(&sets, policy, now);
        let mut with = sets.clone();
        with.push(more);
        let after = decide(&with, policy, now);
        for (at, set) in sets.iter().enumerate() {
            prop_assert!(before[at].stays() || !after[at].stays(), "{set:?} came back");
        }
    }

    #[test]
    fn to_remove_what_falls_changes_nothing_for_the_others(
        sets in prop::collection::vec(any_set(), 1..60), policy in any_policy(), now in any_now(),
    ) {
        let before = decide(&sets, policy, now);
        let left: Vec<Set> = sets.iter().zip(&before).filter(|(_, verdict)| verdict.stays()).map(|(set, _)| *set).collect();
        prop_assert!(decide(&left, policy, now).iter().all(Verdict::stays));
    }
}
