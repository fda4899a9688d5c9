SELECT a.segment, p.category, count(*) AS purchases, sum(p.amount) AS spent
FROM purchases p JOIN accounts a ON p.customer_key = a.customer_key
WHERE p.day >= $since
GROUP BY a.segment, p.category
ORDER BY a.segment, p.category
