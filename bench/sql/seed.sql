-- What both sides of the benchmark work on. Ids follow from numbers, so that any client can name an order without
-- looking it up; they grow, as version 7 UUIDs do.

CREATE FUNCTION bench_order(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
$$;

-- Order `n`'s part number `k`: an item or a shipment.
CREATE FUNCTION bench_part(n bigint, k int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT ('00000000-0000-7000-9000-' || lpad(to_hex(n * 16 + k), 12, '0'))::uuid
$$;

CREATE FUNCTION bench_user(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT ('00000000-0000-7000-a000-' || lpad(to_hex(n % 2000), 12, '0'))::uuid
$$;

-- Orders first..last, two items each, with the history that led to their status. From awaiting_pickup on, each has one
-- FedEx shipment with all its items.
CREATE FUNCTION bench_seed(first bigint, last bigint, reached order_status, email text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  line order_status[] := enum_range('placed', reached);
  steps int := cardinality(line);
  shipments boolean := reached >= 'awaiting_pickup';
  start timestamptz := now() - interval '3 hours';
BEGIN
  INSERT INTO orders (order_id, user_id, reference, customer_email, status, version, total_cents, fulfillment_path,
    placed_at, updated_at, occurred_at)
  SELECT bench_order(n), bench_user(n), 'R-' || n, email, reached, steps, 4200, 'single_warehouse',
    start + n * interval '10 ms', start + n * interval '10 ms' + steps * interval '1 minute',
    start + n * interval '10 ms' + steps * interval '1 minute'
  FROM generate_series(first, last) n;

  INSERT INTO order_items (item_id, order_id, position, sku, name, quantity, origin_kind, origin_code)
  SELECT bench_part(n, k), bench_order(n), k - 1, 'SKU-' || (n * 2 + k) % 5000, 'Thing ' || k, k, 'warehouse', 'EAST-1'
  FROM generate_series(first, last) n, generate_series(1, 2) k;

  INSERT INTO order_events (order_id, version, from_status, to_status, actor, actor_id, notes, metadata, occurred_at,
    recorded_at, request_id)
  SELECT bench_order(n), k, line[k - 1], line[k], 'support', 'sam', 'seeded', '{"source": "seed"}',
    start + n * interval '10 ms' + k * interval '1 minute', start + n * interval '10 ms' + k * interval '1 minute',
    gen_random_uuid()::text
  FROM generate_series(first, last) n, generate_series(1, steps) k;

  IF shipments THEN
    INSERT INTO shipments (shipment_id, order_id, carrier, tracking_number, status, origin_kind, origin_code,
      estimated_delivery, delivery_estimate, shipped_at, delivered_at, created_at)
    SELECT bench_part(n, 15), bench_order(n), 'fedex', (790000000000 + n)::text,
      CASE reached WHEN 'delivered' THEN 'delivered' ELSE 'label_created' END, 'warehouse', 'EAST-1',
      now() + interval '2 days', (current_date + 2)::text, CASE reached WHEN 'delivered' THEN now() - interval '2 hours' END,
      CASE reached WHEN 'delivered' THEN now() - interval '1 hour' END, start + n * interval '10 ms'
    FROM generate_series(first, last) n;
    INSERT INTO shipment_numbers (shipment_id, carrier, tracking_number, position, is_primary, is_exclusive, added_at)
    SELECT bench_part(n, 15), 'fedex', (790000000000 + n)::text, 0, true, reached <> 'delivered',
      start + n * interval '10 ms'
    FROM generate_series(first, last) n;
    INSERT INTO shipment_items (shipment_id, item_id, quantity)
    SELECT bench_part(n, 15), bench_part(n, k), k FROM generate_series(first, last) n, generate_series(1, 2) k;
  END IF;
END $$;
