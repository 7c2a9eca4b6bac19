#include "tests/unit/coherence/model_plan.hpp"

namespace shoal::test {

plan random_plan(fast_dice& random)
{
    const auto sometimes = [&random](double probability, int most) {
        return random.chance(probability) ? static_cast<int>(random.between(1, most)) : 0;
    };
    plan made;
    made.workers = static_cast<int>(random.between(2, 3));
    made.keys = static_cast<std::size_t>(random.between(1, 3));
    made.edits = static_cast<int>(random.between(3, 7));
    made.soft = random.chance(0.5) ? 0.4 : 0;
    made.owned = random.chance(0.5) ? 0.8 : 0;
    made.weak_validators = random.chance(0.3) ? 1 : 0;
    made.use_second_level = random.chance(0.3) ? 0 : 0.9;
    made.slow = random.chance(0.5) ? 0.15 : 0.02;
    made.longest_fetch = random.chance(0.3) ? 900'000 : 100'000;
    made.lost_arrivals = random.chance(0.3) ? 0.7 : 0.05;
    made.pauses = sometimes(0.4, 3);
    made.partitions = sometimes(0.3, 2);
    made.kills = sometimes(0.2, 1);
    made.replacements = sometimes(0.25, 1);
    made.drains = sometimes(0.15, 1);
    made.joins = sometimes(0.4, 2);
    made.restarts = sometimes(0.35, 2);
    made.masters_back = sometimes(0.1, 1);
    made.evictions = sometimes(0.5, 4);
    made.clock_steps = sometimes(0.15, 2);
    made.lost_writes = random.chance(0.5) ? 1 : 0.3;
    made.saved = random.chance(0.3) ? 0.01 : 0.2;
    made.no_clock = random.chance(0.15);
    made.log_kept = random.chance(0.3) ? 2 : 1000;
    made.entries_at_once = random.chance(0.3) ? 1 : 1000;
    return made;
}

plan flooded_plan(fast_dice& random)
{
    plan made;
    made.workers = 2;
    made.keys = static_cast<std::size_t>(random.between(1, 3));
    made.edits = 120;
    made.requests = 40;
    made.soft = 0;
    made.slow = 1;
    made.slowest = 60'000;
    made.longest_fetch = 20'000;
    made.lost_arrivals = 1;
    made.entries_at_once = 1;
    return made;
}

plan slow_plan(fast_dice& random)
{
    plan made;
    made.workers = 2;
    made.keys = 1;
    made.edits = 4;
    made.requests = static_cast<int>(random.between(20, 60));
    made.pressing = 1;
    made.soft = 0;
    made.slow = 0.4;
    made.slowest = 95'000;
    made.longest_fetch = 5'000;
    made.lost_arrivals = 1;
    made.pauses = 0;
    made.partitions = 3;
    made.shortest_partition = 700'000;
    made.evictions = 0;
    return made;
}

plan forgetful_plan(fast_dice& random)
{
    plan made = random_plan(random);
    made.edits = 10;
    made.pauses = 3;
    made.joins = 3;
    made.restarts = 3;
    made.lost_writes = 1;
    made.no_clock = true;
    return made;
}

plan interrupted_plan(fast_dice& random)
{
    plan made;
    made.keys = static_cast<std::size_t>(random.between(1, 2));
    made.edits = 30;
    made.soft = 0;
    made.lost_arrivals = 0.9;
    made.partitions = 4;
    made.pauses = 0;
    made.evictions = 0;
    made.restarts = 2;
    made.lost_writes = 1;
    made.saved = 0.005;
    return made;
}

}  // namespace shoal::test
