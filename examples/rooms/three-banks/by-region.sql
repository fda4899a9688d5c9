SELECT c.region, count(*) AS payments, sum(p.amount) AS moved, count(DISTINCT p.customer) AS senders,
  count(DISTINCT b.customer) AS passing, count(DISTINCT c.customer) AS collecting
FROM payments p
  JOIN passing b ON p.to_account = b.account
  JOIN collecting c ON b.onward_account = c.account
WHERE p.day >= $since
GROUP BY c.region
HAVING sum(p.amount) >= $threshold
ORDER BY c.region
