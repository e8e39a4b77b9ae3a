// A ticket's grant against its cancel, its transaction, a poll, its delivery and its session's end.
#include <doctest/doctest.h>

#include "points/scene.h"

using namespace numpool_test;

namespace {

const std::vector<DebugPoint> kDelivery = {DebugPoint::kDeliveryDue, DebugPoint::kMessageDue,
                                           DebugPoint::kMessageWritten};

// A holder of the only number and the owner of the first ticket in the queue.
struct Turn {
  Turn(Scene& scene, const std::string& before)
      : holder(scene.actor("holder")), owner(scene.actor("owner")) {
    holder.must(acquire(scene.pool()));
    owner.must(before + "SELECT numpool_channel()");
    ticket = std::to_string(enqueue_ticket(owner.session(), scene.pool()));
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kWakeDue});
  }

  // How often the client was told of this ticket.
  static int times_told(const Actor& owner, const std::string& ticket) {
    int count = 0;
    for (const Notification& one : owner.told)
      if (one.payload.find("\"ticket\":" + ticket + ",") != std::string::npos) count++;
    return count;
  }

  Actor& holder;
  Actor& owner;
  std::string ticket;
};

}  // namespace

TEST_CASE("a ticket's grant and its delivery to an idle client: once") {
  in_all_orders(1, [](Scene& scene) {
    Turn turn(scene, "");
    scene.gate(turn.owner, kDelivery);
    scene.event(
        "cancel", [&owner = turn.owner] { owner.session().cancel(); },
        [&owner = turn.owner] { return owner.doing == ActorDoing::kStanding; });
    scene.at_last([&owner = turn.owner, ticket = turn.ticket] {
      CHECK(Turn::times_told(owner, ticket) == 1);
    });
  });
}

TEST_CASE("a ticket's grant, its delivery and a statement of its session: once") {
  in_all_orders(1, [](Scene& scene) {
    Turn turn(scene, "");
    scene.part(turn.owner, "SELECT 1", {DebugPoint::kDeliveryDue, DebugPoint::kMessageWritten});
    scene.at_last([&owner = turn.owner, ticket = turn.ticket] {
      CHECK(Turn::times_told(owner, ticket) == 1);
    });
  });
}

TEST_CASE("a ticket's grant and the end of its transaction") {
  std::string end;
  SUBCASE("COMMIT: told once") {
    end = "COMMIT";
  }
  SUBCASE("ROLLBACK: never told, and the number is the next one's") {
    end = "ROLLBACK";
  }
  in_all_orders(1, [end](Scene& scene) {
    Turn turn(scene, "BEGIN; ");
    Actor& bystander = scene.actor("bystander");
    scene.asleep(bystander, acquire(scene.pool()));
    scene.part(turn.owner, end,
               {DebugPoint::kRowsVisible, DebugPoint::kLeaving, DebugPoint::kEntriesDone,
                DebugPoint::kMessageWritten});
    scene.at_last([&owner = turn.owner, &bystander, ticket = turn.ticket, end] {
      CHECK(Turn::times_told(owner, ticket) == (end == "COMMIT" ? 1 : 0));
      CHECK(came_to(bystander) == "0");
    });
  });
}

TEST_CASE("a ticket's grant, its delivery and a poll: told or shown") {
  in_all_orders(1, [](Scene& scene) {
    Turn turn(scene, "");
    scene.part(turn.owner, "SELECT state FROM numpool_poll(" + turn.ticket + ")",
               {DebugPoint::kDeliveryDue, DebugPoint::kMessageWritten, DebugPoint::kRowsVisible});
    scene.at_last([&owner = turn.owner, ticket = turn.ticket] {
      const std::string shown = came_to(owner);
      CHECK((shown == "granted" || shown == "waiting"));
      const int told = Turn::times_told(owner, ticket);
      CHECK((told == 1 || (told == 0 && shown == "granted")));
    });
  });
}

TEST_CASE("a ticket's grant and its cancel: the number is the next one's") {
  in_all_orders(1, [](Scene& scene) {
    Turn turn(scene, "");
    Actor& bystander = scene.actor("bystander");
    scene.asleep(bystander, acquire(scene.pool()));
    scene.part(turn.owner, "SELECT numpool_cancel(" + turn.ticket + ")",
               {DebugPoint::kDeliveryDue, DebugPoint::kRowsVisible, DebugPoint::kLeaving,
                DebugPoint::kGrantToPassOn});
    scene.finally([&bystander] { CHECK(came_to(bystander) == "0"); });
    scene.at_last([&owner = turn.owner, ticket = turn.ticket] {
      CHECK(came_to(owner) == "t");
      CHECK(Turn::times_told(owner, ticket) <= 1);
    });
  });
}

TEST_CASE("a ticket's grant and the end of its session: the number is the next one's") {
  bool terminate = false;
  SUBCASE("terminated") {
    terminate = true;
  }
  SUBCASE("closed") {}
  in_all_orders(1, [terminate](Scene& scene) {
    Turn turn(scene, "");
    Actor& bystander = scene.actor("bystander");
    scene.asleep(bystander, acquire(scene.pool()));
    scene.part(
        turn.owner,
        [&owner = turn.owner, terminate] {
          owner.gone = true;
          if (terminate)
            observer().must("SELECT pg_terminate_backend(" + std::to_string(owner.pid()) + ")");
          else
            owner.session().close();
        },
        {DebugPoint::kMessageDue, DebugPoint::kSessionEnds, DebugPoint::kLeaving,
         DebugPoint::kGrantToPassOn});
    scene.finally([&bystander] { CHECK(came_to(bystander) == "0"); });
  });
}

TEST_CASE("a ticket's grant and a drop by force: told once, of one or the other") {
  in_all_orders(1, [](Scene& scene) {
    Turn turn(scene, "");
    Actor& dropper = scene.actor("dropper");
    scene.gate(turn.owner, {DebugPoint::kDeliveryDue, DebugPoint::kMessageWritten});
    scene.part(dropper, call("drop", scene.pool(), "true"),
               {DebugPoint::kUnregistered, DebugPoint::kDismissed});
    scene.at_last([&owner = turn.owner, ticket = turn.ticket] {
      int granted = 0;
      int dropped = 0;
      for (const Notification& one : owner.told) {
        if (one.payload.find("\"ticket\":" + ticket + ",") == std::string::npos)
          dropped++;
        else if (one.payload.find("\"error\"") != std::string::npos)
          dropped++;
        else
          granted++;
      }
      CHECK(granted <= 1);
      CHECK(dropped == 1);
    });
  });
}
