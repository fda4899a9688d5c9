SELECT count(*) AS stays, avg(days) AS mean_days
FROM (
  SELECT age, days FROM north UNION ALL SELECT age, days FROM south UNION ALL SELECT age, days FROM east
)
WHERE age >= $youngest AND age <= $oldest
