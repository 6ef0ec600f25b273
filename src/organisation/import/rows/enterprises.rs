//! Enterprises.

use chrono::NaiveDate;

use super::super::problem::Reason;
use super::super::table::{Cells, Row};
use super::{LONG, NAME};
use crate::organisation::model::EnterpriseStatus;

/// A line of `enterprises.csv`.
#[derive(Clone, Debug)]
pub struct EnterpriseRow {
    pub code: String,
    pub uscc: String,
    pub name: String,
    pub short_name: String,
    pub kind: String,
    pub industry_code: String,
    pub industry_name: String,
    pub area: String,
    pub address: String,
    /// Latitude and longitude, WGS 84.
    pub place: Option<(f64, f64)>,
    pub scale: String,
    pub employees: Option<i32>,
    /// In 10 000 yuan.
    pub annual_revenue_wan: Option<i64>,
    pub established_on: Option<NaiveDate>,
    pub qualifications: Vec<String>,
    pub need_tags: Vec<String>,
    pub stage: String,
    pub authority: Option<String>,
    pub credit_class: String,
    pub contact_name: String,
    pub contact_mobile: String,
    pub status: EnterpriseStatus,
}

impl Row for EnterpriseRow {
    const FILE: &'static str = "enterprises.csv";
    const COLUMNS: &'static [&'static str] = &[
        "code",
        "uscc",
        "name",
        "short_name",
        "kind",
        "industry_code",
        "industry_name",
        "area_code",
        "address",
        "latitude",
        "longitude",
        "scale",
        "employees",
        "annual_revenue_wan",
        "established_on",
        "qualifications",
        "need_tags",
        "stage",
        "authority_code",
        "credit_class",
        "contact_name",
        "contact_mobile",
        "status",
    ];

    fn read(cells: &mut Cells<'_>) -> Self {
        let statuses = [
            ("存续", EnterpriseStatus::Operating),
            ("停业", EnterpriseStatus::Suspended),
            ("注销", EnterpriseStatus::Deregistered),
        ];
        let employees = cells.optional_number("employees", 0, 10_000_000);
        Self {
            code: cells.code("code"),
            uscc: cells.uscc("uscc"),
            name: cells.text("name", NAME),
            short_name: cells.text("short_name", NAME),
            kind: cells.text("kind", NAME),
            industry_code: cells.optional("industry_code", 8),
            industry_name: cells.optional("industry_name", NAME),
            area: cells.code("area_code"),
            address: cells.optional("address", 200),
            place: place(cells),
            scale: cells.optional("scale", NAME),
            employees: employees.and_then(|number| i32::try_from(number).ok()),
            annual_revenue_wan: cells.optional_number("annual_revenue_wan", 0, 1_000_000_000_000),
            established_on: cells.date("established_on"),
            qualifications: cells.list("qualifications", LONG),
            need_tags: cells.list("need_tags", LONG),
            stage: cells.optional("stage", NAME),
            authority: cells.optional_code("authority_code"),
            credit_class: cells.optional("credit_class", NAME),
            contact_name: cells.text("contact_name", NAME),
            contact_mobile: cells.mobile("contact_mobile"),
            status: cells.word("status", &statuses, EnterpriseStatus::Operating),
        }
    }
}

fn place(cells: &mut Cells<'_>) -> Option<(f64, f64)> {
    let missing = ["latitude", "longitude"].map(|column| cells.raw(column).is_empty());
    if matches!(missing, [true, false] | [false, true]) {
        cells.refuse("latitude", "", Reason::PlaceIncomplete);
    }
    cells.degrees("latitude", 90).zip(cells.degrees("longitude", 180))
}
