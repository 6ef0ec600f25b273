//! The error codes of calendars.

use crate::problem_codes;

problem_codes! {
    /// What can be wrong with a question to a calendar.
    CalendarCode {
        DepartmentNotFound = 404 "department_not_found" "没有这个部门" "There is no such department",
        Beyond = 422 "beyond_calendar" "结果超出日历所及的范围" "The answer lies beyond what the calendar knows of",
    }
}
