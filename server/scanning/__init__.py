"""The scan: from readings to quality, twin, totals and prognosis."""
