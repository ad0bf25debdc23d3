//! Which backup sets stay and which fall: a pure function of their times, the policy and the present. All in UTC.
//!
//! - Of each day of the last `days` days (today is one) the newest set stays.
//! - Of each month the newest stays, for `months` whole months before the one in which the days begin.
//! - Of each year the newest stays, for `years` whole years before the one in which the months begin.
//!
//! A coarser rule begins where the finer one ends, so what a finer rule keeps does not use up a coarser one. A period counts whether or
//! not it has a set, so only time and newer sets of the same period make a set fall. The newest set, the newest verified one and those
//! from the future always stay; a policy of nothing removes nothing.
//!
//! Verified is a set that was read back or restored: either says that its bytes are those that were stored. Only a restore says that a
//! database comes of them. So a newer set that was merely read back does not make the newest restored one fall: that one stays, too.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;
use std::collections::HashMap;
use std::hash::Hash;

/// How long sets are kept; 0 turns a rule off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub days: u32,
    pub months: u32,
    pub years: u32,
}

/// A set, as far as its keeping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    pub at: Timestamp,
    pub proof: Proof,
}

/// What is known of a set beyond that it was made; the later ones say more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    #[default]
    None,
    /// All of it was read, and is as it was stored.
    ReadBack,
    /// A sandbox was brought to it, and found equal.
    Restored,
}

/// Why a set stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It is from the future: a clock is wrong, here or where it was made.
    Future,
    Newest,
    NewestVerified,
    NewestRestored,
    Daily,
    Monthly,
    Yearly,
    /// The policy says nothing.
    NoPolicy,
}

impl Rule {
    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Future => "from the future",
            Self::Newest => "newest",
            Self::NewestVerified => "newest verified",
            Self::NewestRestored => "newest restored",
            Self::Daily => "daily",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
            Self::NoPolicy => "no retention is set",
        }
    }
}

/// What is to become of a set: it falls where no rule keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub rules: Vec<Rule>,
    /// When the last of the rules lets it go, as the sets are now; `None` while nothing tells.
    pub until: Option<Timestamp>,
}

impl Verdict {
    pub fn stays(&self) -> bool {
        !self.rules.is_empty()
    }
}

/// A verdict for each set, in their order. Of several that were made at the same time, the first one counts as the newest.
pub fn decide(sets: &[Set], policy: Policy, now: Timestamp) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::default(); sets.len()];
    if policy == (Policy { days: 0, months: 0, years: 0 }) {
        verdicts.iter_mut().for_each(|verdict| verdict.rules.push(Rule::NoPolicy));
        return verdicts;
    }
    // Backwards, so that the last one of the newest is the first that was given.
    let past = || sets.iter().enumerate().rev().filter(|(_, set)| set.at <= now);
    for (verdict, _) in verdicts.iter_mut().zip(sets).filter(|(_, set)| set.at > now) {
        verdict.rules.push(Rule::Future);
    }
    if let Some((at, _)) = past().max_by_key(|(_, set)| set.at) {
        verdicts[at].rules.push(Rule::Newest);
    }
    for (proof, rule) in [(Proof::ReadBack, Rule::NewestVerified), (Proof::Restored, Rule::NewestRestored)] {
        if let Some((at, _)) = past().filter(|(_, set)| set.proof >= proof).max_by_key(|(_, set)| set.at) {
            verdicts[at].rules.push(rule);
        }
    }
    let windows = Windows::new(policy, date(now));
    keep(&mut verdicts, newest(past(), |day| windows.in_days(day).then_some(day)), Rule::Daily, |day| {
        windows.day_ends(day)
    });
    let by_month = newest(past(), |day| windows.in_months(day).then(|| month(day)));
    keep(&mut verdicts, by_month, Rule::Monthly, |day| windows.month_ends(day));
    let by_year = newest(past(), |day| windows.in_years(day).then(|| day.year()));
    keep(&mut verdicts, by_year, Rule::Yearly, |day| windows.year_ends(day));
    verdicts
}

/// The newest set of each period, with its day: of the same time, the one that comes last.
fn newest<'a, K: Hash + Eq>(
    sets: impl Iterator<Item = (usize, &'a Set)>,
    period: impl Fn(Date) -> Option<K>,
) -> Vec<(usize, Date)> {
    let mut best: HashMap<K, (usize, Timestamp)> = HashMap::new();
    for (at, set) in sets {
        if let Some(key) = period(date(set.at)) {
            let entry = best.entry(key).or_insert((at, set.at));
            if set.at >= entry.1 {
                *entry = (at, set.at);
            }
        }
    }
    best.into_values().map(|(at, time)| (at, date(time))).collect()
}

fn keep(verdicts: &mut [Verdict], kept: Vec<(usize, Date)>, rule: Rule, ends: impl Fn(Date) -> Option<Timestamp>) {
    for (at, day) in kept {
        let verdict = &mut verdicts[at];
        verdict.rules.push(rule);
        verdict.until = verdict.until.max(ends(day));
    }
}

/// Where the rules reach back to.
struct Windows {
    policy: Policy,
    first_day: Option<Date>,
    /// Months since year 0.
    first_month: i32,
    first_year: i32,
}

impl Windows {
    fn new(policy: Policy, today: Date) -> Self {
        let back = i64::from(policy.days.saturating_sub(1));
        let begin = today.checked_sub(Span::new().try_days(back).unwrap_or_default()).unwrap_or(Date::MIN);
        let first_month = month(begin).saturating_sub_unsigned(policy.months);
        let first_year = first_month.div_euclid(12).saturating_sub_unsigned(policy.years);
        Self { policy, first_day: (policy.days > 0).then_some(begin), first_month, first_year }
    }

    fn in_days(&self, day: Date) -> bool {
        self.first_day.is_some_and(|first| day >= first)
    }

    fn in_months(&self, day: Date) -> bool {
        self.policy.months > 0 && month(day) >= self.first_month
    }

    fn in_years(&self, day: Date) -> bool {
        self.policy.years > 0 && i32::from(day.year()) >= self.first_year
    }

    fn day_ends(&self, day: Date) -> Option<Timestamp> {
        midnight(day.checked_add(Span::new().try_days(self.policy.days).ok()?).ok()?)
    }

    /// The days begin in the month behind the last one that keeps it.
    fn month_ends(&self, day: Date) -> Option<Timestamp> {
        self.begins(month(day).checked_add_unsigned(self.policy.months)?.checked_add(1)?)
    }

    fn year_ends(&self, day: Date) -> Option<Timestamp> {
        let year = i32::from(day.year()).checked_add_unsigned(self.policy.years)?.checked_add(1)?;
        self.begins(year.checked_mul(12)?.checked_add_unsigned(self.policy.months)?)
    }

    /// When the days begin in this month.
    fn begins(&self, month: i32) -> Option<Timestamp> {
        let first = Date::new(month.div_euclid(12).try_into().ok()?, (month.rem_euclid(12) + 1) as i8, 1).ok()?;
        midnight(first.checked_add(Span::new().try_days(self.policy.days.saturating_sub(1)).ok()?).ok()?)
    }
}

fn date(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

fn month(day: Date) -> i32 {
    i32::from(day.year()) * 12 + i32::from(day.month()) - 1
}

fn midnight(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok()
}

#[cfg(test)]
mod tests;
