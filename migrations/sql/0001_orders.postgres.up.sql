CREATE TYPE order_status AS ENUM (
  'placed', 'payment_confirmed', 'processing', 'awaiting_pickup', 'shipped', 'out_for_delivery', 'delivered',
  'cancelled', 'return_initiated', 'returned'
);

CREATE TABLE orders (
  order_id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id          uuid NOT NULL,
  reference        text UNIQUE,
  customer_email   text,
  -- The further recipients of notifications: a list of addresses, in the sequence in which they were given.
  other_emails     jsonb,
  -- Whether all notifications of the order are suppressed.
  notifications_muted boolean NOT NULL DEFAULT false,
  status           order_status NOT NULL DEFAULT 'placed',
  version          int NOT NULL DEFAULT 1,
  total_cents      int NOT NULL CHECK (total_cents >= 0),
  currency         char(3) NOT NULL DEFAULT 'USD',
  fulfillment_path text NOT NULL DEFAULT 'single_warehouse'
                   CHECK (fulfillment_path IN ('single_warehouse', 'split_shipment', 'dropship')),
  -- The fact that nothing more is expected of the order, beside its status.
  closed_at        timestamptz,
  closed_by        text CHECK (closed_by IN ('system', 'carrier', 'customer', 'support', 'supplier')),
  closed_by_id     text,
  close_reason     text,
  -- The order of the same customer that this one replaces.
  replaces         uuid REFERENCES orders,
  placed_at        timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  -- The time of the latest event. No later event has an earlier time.
  occurred_at      timestamptz NOT NULL DEFAULT now(),
  CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
  CHECK ((closed_at IS NULL) = (close_reason IS NULL)),
  CHECK (closed_at IS NOT NULL OR closed_by_id IS NULL)
) WITH (fillfactor = 85);
CREATE INDEX idx_order_user ON orders (user_id, placed_at DESC);
CREATE INDEX idx_order_placed ON orders (placed_at DESC, order_id DESC);
CREATE INDEX idx_order_status ON orders (status, placed_at DESC, order_id DESC);
CREATE INDEX idx_order_path ON orders (fulfillment_path, placed_at DESC, order_id DESC);
CREATE INDEX idx_order_closed ON orders (placed_at DESC, order_id DESC) WHERE closed_at IS NOT NULL;
CREATE INDEX idx_order_replaces ON orders (replaces) WHERE replaces IS NOT NULL;

CREATE TABLE order_items (
  item_id          uuid PRIMARY KEY,
  order_id         uuid NOT NULL REFERENCES orders,
  position         int NOT NULL,
  sku              text NOT NULL,
  name             text NOT NULL,
  quantity         int NOT NULL CHECK (quantity >= 1),
  cancelled        int NOT NULL DEFAULT 0 CHECK (cancelled BETWEEN 0 AND quantity),
  cancel_reason    text,
  origin_kind      text CHECK (origin_kind IN ('warehouse', 'supplier')),
  origin_code      text,
  -- The supplier's deadlines, and its answer.
  accept_by        timestamptz,
  ship_by          timestamptz,
  accepted_at      timestamptz,
  declined_at      timestamptz,
  decline_reason   text,
  return_requested int NOT NULL DEFAULT 0 CHECK (return_requested BETWEEN 0 AND quantity - cancelled),
  return_reason    text,
  returned         int NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND return_requested),
  -- Units that were asked back and are not expected any more.
  return_written_off int NOT NULL DEFAULT 0 CHECK (return_written_off BETWEEN 0 AND return_requested - returned),
  -- The item that these units belonged to before the supplier declined them and not the rest.
  split_from       uuid REFERENCES order_items,
  CHECK (accepted_at IS NULL OR declined_at IS NULL),
  CHECK ((declined_at IS NULL) = (decline_reason IS NULL)),
  CHECK (coalesce(origin_kind, '') = 'supplier' OR coalesce(accept_by, ship_by, accepted_at, declined_at) IS NULL)
);
CREATE INDEX idx_item_order ON order_items (order_id, position);
CREATE INDEX idx_item_origin ON order_items (origin_kind, origin_code, order_id);

CREATE TABLE order_events (
  event_id    bigserial PRIMARY KEY,
  order_id    uuid NOT NULL REFERENCES orders,
  version     int NOT NULL,
  from_status order_status,
  to_status   order_status NOT NULL,
  actor       text NOT NULL CHECK (actor IN ('system', 'carrier', 'customer', 'support', 'supplier')),
  actor_id    text,
  notes       text,
  metadata    jsonb,
  inferred    boolean NOT NULL DEFAULT false,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  request_id  text,
  webhook_id  uuid,
  UNIQUE (order_id, version)
);
CREATE INDEX idx_order_event ON order_events (order_id, occurred_at DESC);
CREATE INDEX idx_event_time ON order_events (occurred_at DESC, event_id DESC);
CREATE INDEX idx_event_status ON order_events (to_status, occurred_at DESC, event_id DESC);
CREATE INDEX idx_event_from ON order_events (from_status, occurred_at DESC, event_id DESC);
CREATE INDEX idx_event_actor ON order_events (actor, actor_id, occurred_at DESC, event_id DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% are never changed or deleted', TG_TABLE_NAME;
END $$;
CREATE TRIGGER order_events_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE shipments (
  shipment_id               uuid PRIMARY KEY,
  order_id                  uuid NOT NULL REFERENCES orders,
  carrier                   text NOT NULL,
  tracking_number           text NOT NULL,
  status                    text NOT NULL DEFAULT 'label_created',
  -- Whether it goes to the customer or comes back.
  direction                 text NOT NULL DEFAULT 'outbound' CHECK (direction IN ('outbound', 'return')),
  -- How far it was on its way to the customer when its return began.
  status_before_return      text,
  -- Whether more than data about the label shows that the carrier has had the parcel.
  in_possession             boolean NOT NULL DEFAULT false,
  origin_kind               text NOT NULL CHECK (origin_kind IN ('warehouse', 'supplier')),
  origin_code               text NOT NULL,
  condition                 text,
  condition_message         text,
  condition_since           timestamptz,
  estimated_delivery        timestamptz,
  promised_delivery         timestamptz,
  -- The estimate of which estimated_delivery is the latest instant: `2026-12-04`, or a window of two times as ISO 8601
  -- writes it.
  delivery_estimate         text,
  -- The estimate of which promised_delivery is the latest instant, and when the merchant or the supplier said it.
  promised_estimate         text,
  promised_at               timestamptz,
  shipped_at                timestamptz,
  shipped_inferred          boolean NOT NULL DEFAULT false,
  out_for_delivery_at       timestamptz,
  out_for_delivery_inferred boolean NOT NULL DEFAULT false,
  delivered_at              timestamptz,
  -- Of a return shipment: the same time. It has an index.
  arrived_at                timestamptz CHECK (direction = 'return' OR arrived_at IS NULL),
  created_at                timestamptz NOT NULL DEFAULT now(),
  cancelled_at              timestamptz,
  cancel_reason             text
) WITH (fillfactor = 85);
CREATE INDEX idx_shipment_order ON shipments (order_id);
CREATE INDEX idx_shipment_tracking ON shipments (carrier, tracking_number);
CREATE INDEX idx_shipment_arrived ON shipments (arrived_at) WHERE arrived_at IS NOT NULL;

-- All tracking numbers of shipments. The primary one is also in the row of the shipment.
CREATE TABLE shipment_numbers (
  shipment_id     uuid NOT NULL REFERENCES shipments,
  carrier         text NOT NULL,
  tracking_number text NOT NULL,
  position        int NOT NULL,
  is_primary      boolean NOT NULL,
  -- Whether shipments of other orders may have the number at the same time.
  is_shared       boolean NOT NULL DEFAULT false,
  -- Whether no other shipment may have the number now: the shipment is on its way, and the number is neither void nor
  -- shared.
  is_exclusive    boolean NOT NULL,
  added_at        timestamptz NOT NULL,
  -- Set if another number replaced this one.
  void_since      timestamptz,
  void_by         text CHECK (void_by IN ('system', 'carrier', 'customer', 'support', 'supplier')),
  void_by_id      text,
  void_reason     text,
  PRIMARY KEY (shipment_id, carrier, tracking_number),
  CHECK ((void_since IS NULL) = (void_by IS NULL)),
  CHECK ((void_since IS NULL) = (void_reason IS NULL)),
  CHECK (void_since IS NULL OR NOT (is_primary OR is_exclusive))
);
CREATE INDEX idx_number_tracking ON shipment_numbers (tracking_number, carrier);
CREATE INDEX idx_number_added ON shipment_numbers (added_at);
CREATE UNIQUE INDEX uq_shipment_live ON shipment_numbers (carrier, tracking_number) WHERE is_exclusive;

CREATE TABLE shipment_items (
  shipment_id uuid NOT NULL REFERENCES shipments,
  item_id     uuid NOT NULL REFERENCES order_items,
  quantity    int NOT NULL CHECK (quantity >= 1),
  PRIMARY KEY (shipment_id, item_id)
);

-- The changes of orders that are no transitions.
CREATE TABLE order_activities (
  activity_id uuid PRIMARY KEY,
  order_id    uuid NOT NULL REFERENCES orders,
  kind        text NOT NULL,
  actor       text NOT NULL CHECK (actor IN ('system', 'carrier', 'customer', 'support', 'supplier')),
  actor_id    text,
  notes       text,
  facts       jsonb NOT NULL,
  shipment_id uuid REFERENCES shipments,
  recorded_at timestamptz NOT NULL,
  request_id  text,
  webhook_id  uuid
);
CREATE INDEX idx_activity_order ON order_activities (order_id, recorded_at DESC, activity_id DESC);

CREATE TRIGGER order_activities_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON order_activities
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Each webhook with a valid signature, with its unchanged body. It is work while due_at is not null.
CREATE TABLE webhooks (
  webhook_id   uuid PRIMARY KEY,
  sender       text NOT NULL,
  content_hash bytea NOT NULL,
  body         bytea NOT NULL,
  request_id   text,
  received_at  timestamptz NOT NULL,
  state        text NOT NULL CHECK (state IN ('pending', 'processed', 'ignored', 'unmatched', 'failed')),
  reason       text,
  error        text,
  attempt      int NOT NULL DEFAULT 0,
  failures     int NOT NULL DEFAULT 0,
  duplicates   int NOT NULL DEFAULT 0,
  -- Number of calls to its sender, whatever their outcome, since the webhook was last made due by a person or by the
  -- registration of a shipment.
  calls        int NOT NULL DEFAULT 0,
  due_at       timestamptz,
  -- Whether it brought an estimate that counts from its receipt. Such a content is processed again when it comes again.
  says_estimate boolean NOT NULL DEFAULT false,
  -- When the content came again for the last time.
  came_again_at timestamptz,
  UNIQUE (sender, content_hash)
) WITH (fillfactor = 85);
CREATE INDEX idx_webhook_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX idx_webhook_received ON webhooks (received_at DESC, webhook_id DESC);
CREATE INDEX idx_webhook_state ON webhooks (state, received_at DESC, webhook_id DESC);
CREATE INDEX idx_webhook_sender ON webhooks (sender, received_at DESC, webhook_id DESC);

-- The tracking numbers that an unmatched webhook waits for.
CREATE TABLE webhook_waits (
  carrier         text NOT NULL,
  tracking_number text NOT NULL,
  -- Whether it is a further number that the carrier gives to the parcel.
  is_further      boolean NOT NULL,
  webhook_id      uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
  PRIMARY KEY (tracking_number, carrier, webhook_id)
);

CREATE INDEX idx_wait_webhook ON webhook_waits (webhook_id);

CREATE TABLE scans (
  scan_id            uuid PRIMARY KEY,
  shipment_id        uuid NOT NULL REFERENCES shipments,
  webhook_id         uuid REFERENCES webhooks,
  identity           bytea NOT NULL,
  code               text NOT NULL,
  -- A shipment status, a condition, 'return_cancelled', 'informational' or 'unknown'.
  meaning            text NOT NULL,
  evidence           text NOT NULL CHECK (evidence IN ('physical', 'electronic', 'staff', 'supplier')),
  description        text,
  location           text,
  occurred_at        timestamptz NOT NULL,
  time_estimated     boolean NOT NULL,
  -- The local time, if the carrier sent a time without a zone: `2026-01-15T07:02:09`.
  local_time         text,
  -- The time by which scans are sorted: the local time as if it were UTC, else occurred_at.
  clock              timestamptz NOT NULL,
  -- The carrier's own identity of the parcel. It tells the parcels of one tracking number apart.
  package            text,
  estimated_delivery timestamptz,
  -- When the carrier said the estimate.
  estimated_at       timestamptz,
  -- The estimate of which estimated_delivery is the latest instant, and when it was received.
  delivery_estimate  text,
  estimate_received  timestamptz,
  recorded_at        timestamptz NOT NULL,
  -- The person who recorded the scan by hand. NULL if a webhook brought it.
  recorded_by        text,
  recorded_by_id     text,
  effect             text NOT NULL,
  -- Whether the shipment was cancelled already when the scan arrived. The scan may then belong to a later shipment with
  -- the same number.
  called_off         boolean NOT NULL DEFAULT false,
  seen               int NOT NULL DEFAULT 1,
  -- Set if staff retracted the scan. It counts for nothing then.
  retracted_at       timestamptz,
  retracted_by       text,
  retracted_by_id    text,
  retract_reason     text,
  UNIQUE (shipment_id, identity)
);
CREATE INDEX idx_scan_shipment ON scans (shipment_id, clock DESC, scan_id DESC);
CREATE INDEX idx_scan_webhook ON scans (webhook_id);
CREATE INDEX idx_scan_unknown ON scans (code, recorded_at DESC, webhook_id) WHERE meaning = 'unknown';

-- Every estimate that was said for a shipment.
CREATE TABLE delivery_estimates (
  shipment_id uuid NOT NULL REFERENCES shipments,
  said_at     timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  -- As in shipments.
  estimate    text NOT NULL,
  source      text NOT NULL CHECK (source IN ('carrier', 'merchant')),
  PRIMARY KEY (shipment_id, said_at, received_at, estimate, source)
);

-- Notifications to customers, one per key. A notification is work while due_at is not null.
CREATE TABLE notifications (
  notification_id  uuid PRIMARY KEY,
  key              text NOT NULL UNIQUE,
  order_id         uuid NOT NULL REFERENCES orders,
  status           order_status NOT NULL,
  -- What it tells: one of four statuses, or a correction. The status beside it is the one told, or the one that the
  -- order had when a correction was recorded.
  kind             text NOT NULL CHECK (kind IN ('shipped', 'out_for_delivery', 'delivered', 'cancelled', 'number_replaced',
                   'delivery_retracted')),
  -- Of a replaced number: the shipment, and the numbers that are void. Numbers are lists of a carrier and a number.
  shipment_id      uuid REFERENCES shipments,
  void_numbers     jsonb,
  -- The tracking numbers in the latest mail that left or may have left, and in earlier ones.
  told_numbers     jsonb,
  channel          text NOT NULL DEFAULT 'email',
  recipient        text NOT NULL,
  state            text NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'suppressed')),
  -- Why it is suppressed.
  reason           text CHECK (reason IN ('superseded', 'historical', 'no_address', 'opted_out', 'muted', 'retracted')),
  error            text,
  attempt          int NOT NULL DEFAULT 0,
  -- The latest attempt that a worker has begun. Each attempt is begun once.
  opened           int NOT NULL DEFAULT 0,
  failures         int NOT NULL DEFAULT 0,
  -- Number of attempts that began to send the content of the mail and got no answer of the mail server.
  unknown_outcomes int NOT NULL DEFAULT 0,
  -- The latest attempt of this kind. 0 if its answer is known.
  content_attempt  int NOT NULL DEFAULT 0,
  queued_at        timestamptz NOT NULL,
  sent_at          timestamptz,
  -- How often somebody asked for it to be sent again, and when last.
  resends          int NOT NULL DEFAULT 0,
  resent_at        timestamptz,
  due_at           timestamptz
);
CREATE INDEX idx_notification_due ON notifications (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX idx_notification_order ON notifications (order_id, queued_at);

-- Failed attempts to process a webhook or to send a notification: the newest of each.
CREATE TABLE failures (
  failure_id      bigserial PRIMARY KEY,
  webhook_id      uuid REFERENCES webhooks ON DELETE CASCADE,
  notification_id uuid REFERENCES notifications ON DELETE CASCADE,
  attempt         int NOT NULL,
  failed_at       timestamptz NOT NULL,
  error           text NOT NULL,
  -- Whether another attempt could succeed.
  retryable       boolean NOT NULL,
  CHECK ((webhook_id IS NULL) <> (notification_id IS NULL))
);
CREATE INDEX idx_failure_webhook ON failures (webhook_id, failure_id DESC) WHERE webhook_id IS NOT NULL;
CREATE INDEX idx_failure_notification ON failures (notification_id, failure_id DESC) WHERE notification_id IS NOT NULL;

-- Messages for the live feed. A row is deleted after it was published.
CREATE TABLE outbox (
  outbox_id bigserial PRIMARY KEY,
  order_id  uuid NOT NULL,
  user_id   uuid NOT NULL,
  version   int NOT NULL
);

-- The answers to requests with an idempotency key.
CREATE TABLE idempotency_keys (
  actor       text NOT NULL,
  key         text NOT NULL,
  fingerprint bytea NOT NULL,
  order_id    uuid NOT NULL,
  shipment_id uuid,
  version     int,
  changed     boolean NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (actor, key)
);
CREATE INDEX idx_key_created ON idempotency_keys (created_at);

-- The mails, if no mail server is configured.
CREATE TABLE mailbox (
  mail_id    uuid PRIMARY KEY,
  message_id text NOT NULL,
  recipient  text NOT NULL,
  subject    text NOT NULL,
  text       text NOT NULL,
  html       text NOT NULL,
  caught_at  timestamptz NOT NULL
);
CREATE INDEX idx_mailbox_caught ON mailbox (caught_at DESC);

-- One row. It is written to find out whether the database accepts writes.
CREATE TABLE write_probe (
  probe_id int PRIMARY KEY NOT NULL CHECK (probe_id = 1),
  filler   bytea NOT NULL
);
-- Without compression, so that the row uses as many bytes on the disk as were written.
ALTER TABLE write_probe ALTER COLUMN filler SET STORAGE EXTERNAL;
