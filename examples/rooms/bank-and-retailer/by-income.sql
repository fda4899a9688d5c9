SELECT CASE WHEN a.income = 'low' THEN 'low' WHEN a.income = 'middle' THEN 'middle' ELSE 'high' END AS income,
  count(*) AS purchases, sum(p.amount) AS spent
FROM purchases p JOIN areas a ON p.postcode = a.postcode
GROUP BY income
